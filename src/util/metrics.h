/* SPDX-License-Identifier: Apache-2.0 */
/* Figures in Prometheus' text format 0.0.4, as every listener of --metrics gives them: one writer
 * each for heads, rows and histograms, so that gateway and authority read alike.
 *
 * A counter has one writer, a process or a thread; others read it at any time. */
#ifndef HF_UTIL_METRICS_H
#define HF_UTIL_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define HF_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

static inline void hf_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}
static inline void hf_count_set(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, n, memory_order_relaxed);
}

enum { HF_HISTOGRAM_BUCKETS = 12 };

/* How long things took: 1 ms to 10 s, by the bounds in metrics.c. */
struct hf_histogram {
	_Atomic uint64_t buckets[HF_HISTOGRAM_BUCKETS], count, sum_us;
};
void hf_histogram_add(struct hf_histogram *histogram, uint64_t us);
/* Adds what `histogram` has now to `sum`, which belongs to the caller alone. */
void hf_histogram_sum(struct hf_histogram *sum, const struct hf_histogram *histogram);

/* # HELP and # TYPE. */
void hf_metric_head(struct hf_buf *out, const char *name, const char *type, const char *help);
/* name{label="text"} value; label NULL: without. */
void hf_metric_row(struct hf_buf *out, const char *name, const char *label, const char *text,
		   int64_t value);
struct hf_metric_label {
	const char *name, *text;
};
/* With those labels whose text is not NULL. */
void hf_metric_labelled(struct hf_buf *out, const char *name, const struct hf_metric_label *labels,
			size_t len, int64_t value);
/* A label's value as the text format wants it. */
void hf_label_write(struct hf_buf *out, const char *text);
/* A figure of a struct, where its tables say what each of its fields is called. */
struct hf_metric_field {
	const char *name, *type, *help;
	size_t offset;
};
#define HF_METRIC_FIELD(owner, field, name_, type_, help_)                     \
	{                                                                      \
		.name = (name_), .type = (type_), .help = (help_),             \
		.offset = offsetof(owner, field)                               \
	}
/* With its head.  `name` ends in _seconds. */
void hf_metric_histogram(struct hf_buf *out, const char *name, const char *help,
			 const struct hf_histogram *histogram);

#endif
