/* SPDX-License-Identifier: Apache-2.0 */
/* No TLS version in common: who said so, and which side is the old or the limited one.  Must never
 * advise to lower a client below TLS 1.2. */
#include "explain/internal.h"

unsigned hf_highest_version(const struct hf_codes *versions)
{
	unsigned high = 0;

	for (size_t i = 0; i < versions->len; i++)
		high = HF_MAX(high, (unsigned)versions->items[i]);
	return high;
}

static unsigned lowest(const struct hf_codes *versions)
{
	unsigned low = versions->len ? versions->items[0] : 0;

	for (size_t i = 1; i < versions->len; i++)
		low = HF_MIN(low, (unsigned)versions->items[i]);
	return low;
}

static void blame_old_server(struct deduction *d)
{
	d->e->fault_in = HF_SIDE_SERVER;
	hf_say_fix(
	    d->e,
	    "update the server %s, or switch TLS 1.2 and 1.3 on there (nginx: ssl_protocols; "
	    "Apache: SSLProtocol; haproxy: ssl-max-ver; OpenSSL: MaxProtocol); do not lower "
	    "the client",
	    d->c->target);
}

/* The client was limited by hand to versions that leave out the server's. */
static void blame_limit(struct deduction *d, unsigned server)
{
	char spare[8];
	const char *name = hf_version_name(server, spare);

	d->e->fault_in = HF_SIDE_CLIENT;
	hf_say_evidence(d->e, "without that limit the server takes %s", name);
	if (server > hf_highest_version(&d->t->offer.versions))
		hf_say_fix(d->e,
			   "raise the client's highest version to %s (--tls-max, MaxProtocol)",
			   name);
	else
		hf_say_fix(d->e,
			   "lower the client's lowest version to %s (--tls-min, MinProtocol), or "
			   "switch %s on at the server (its MaxProtocol, ssl_protocols)",
			   name, hf_version_name(lowest(&d->t->offer.versions), (char[8]){ 0 }));
}

void hf_versions_apart(struct deduction *d, enum hf_side refused_by, unsigned server)
{
	const struct hf_codes *offered = &d->t->offer.versions;
	char high[8], low[8], theirs[8];

	hf_decide(d, HF_REASON_P_VERSION, refused_by, HF_CERTAIN);
	if (d->t->offer.seen && lowest(offered) == hf_highest_version(offered))
		hf_say_evidence(d->e, "the client offers only %s",
				hf_version_name(hf_highest_version(offered), high));
	else if (d->t->offer.seen)
		hf_say_evidence(d->e, "the client offers at most %s and at least %s",
				hf_version_name(hf_highest_version(offered), high),
				hf_version_name(lowest(offered), low));
	if (server && d->c->set.versions && server >= 0x0303) {
		blame_limit(d, server);
		return;
	}
	if (server)
		hf_say_evidence(d->e, "the server speaks %s and nothing newer",
				hf_version_name(server, theirs));
	if (server || hf_highest_version(offered) >= 0x0304)
		blame_old_server(d);
	else
		d->e->fault_in = HF_SIDE_CLIENT;
}

bool hf_deduce_version(struct deduction *d, bool by_server)
{
	const struct hf_look *defaults = hf_look_of(d, HF_LOOK_DEFAULTS);
	const struct hf_look *any = hf_look_of(d, HF_LOOK_ANYTHING);
	unsigned server = d->t->choice.seen ? d->t->choice.version : 0;

	if (by_server && d->c->set.versions && !defaults && hf_want(d, HF_LOOK_DEFAULTS))
		return true;
	if (!hf_speaks_tls(defaults) && !d->t->choice.seen && !any && hf_want(d, HF_LOOK_ANYTHING))
		return true;
	if (defaults && defaults->transcript.choice.seen)
		server = defaults->transcript.choice.version;
	else if (any && any->transcript.choice.seen)
		server = any->transcript.choice.version;
	hf_versions_apart(d, by_server ? HF_SIDE_SERVER : HF_SIDE_CLIENT, server);
	return true;
}
