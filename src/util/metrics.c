/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and telling of figures.  Must never take a lock: who counts is serving somebody. */
#include "util/metrics.h"

#include <inttypes.h>

#include "base/macros.h"

static const uint64_t bounds_ms[HF_HISTOGRAM_BUCKETS] = { 1,   5,   10,	  25,	50,   100,
							  250, 500, 1000, 2500, 5000, 10000 };

void hf_histogram_add(struct hf_histogram *histogram, uint64_t us)
{
	for (size_t i = 0; i < HF_HISTOGRAM_BUCKETS; i++)
		if (us <= bounds_ms[i] * 1000) {
			hf_count(&histogram->buckets[i], 1);
			break;
		}
	hf_count(&histogram->count, 1);
	hf_count(&histogram->sum_us, us);
}

static uint64_t now(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void hf_histogram_sum(struct hf_histogram *sum, const struct hf_histogram *histogram)
{
	for (size_t i = 0; i < HF_HISTOGRAM_BUCKETS; i++)
		hf_count(&sum->buckets[i], now(&histogram->buckets[i]));
	hf_count(&sum->count, now(&histogram->count));
	hf_count(&sum->sum_us, now(&histogram->sum_us));
}

void hf_metric_head(struct hf_buf *out, const char *name, const char *type, const char *help)
{
	hf_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void hf_label_write(struct hf_buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			hf_buf_puts(out, "\\n");
			continue;
		}
		if (*text == '"' || *text == '\\')
			hf_buf_putc(out, '\\');
		hf_buf_putc(out, *text);
	}
}

void hf_metric_labelled(struct hf_buf *out, const char *name, const struct hf_metric_label *labels,
			size_t len, int64_t value)
{
	char before = '{';

	hf_buf_puts(out, name);
	for (size_t i = 0; i < len; i++) {
		if (labels[i].text == NULL)
			continue;
		hf_buf_printf(out, "%c%s=\"", before, labels[i].name);
		hf_label_write(out, labels[i].text);
		hf_buf_putc(out, '"');
		before = ',';
	}
	hf_buf_printf(out, "%s %" PRId64 "\n", before == ',' ? "}" : "", value);
}

void hf_metric_row(struct hf_buf *out, const char *name, const char *label, const char *text,
		   int64_t value)
{
	const struct hf_metric_label one = { label, label ? text : NULL };

	hf_metric_labelled(out, name, &one, 1, value);
}

void hf_metric_histogram(struct hf_buf *out, const char *name, const char *help,
			 const struct hf_histogram *histogram)
{
	uint64_t sum = 0;

	hf_metric_head(out, name, "histogram", help);
	for (size_t i = 0; i < HF_HISTOGRAM_BUCKETS; i++) {
		sum += now(&histogram->buckets[i]);
		hf_buf_printf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
			      (double)bounds_ms[i] / 1000, sum);
	}
	/* What was counted while the rows above were read must not show here alone. */
	sum = HF_MAX(sum, now(&histogram->count));
	hf_buf_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %g\n%s_count %" PRIu64 "\n",
		      name, sum, name, (double)now(&histogram->sum_us) / 1000000, name, sum);
}
