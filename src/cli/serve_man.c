/* SPDX-License-Identifier: Apache-2.0 */
/* handfast.yaml(5), from the tables that the reader goes by: it cannot say a key that is not read.
 */
#include "cli/serve_file_internal.h"

static const struct hf_option lists[] = {
	{ .name = "rules",
	  .kind = HF_OPT_LIST,
	  .arg = "RULE",
	  .help = "who may: allow RULE or deny RULE, in order, the first that matches decides; the "
		  "same as the keys allow and deny, but in one list" },
	{ .name = "routes",
	  .kind = HF_OPT_LIST,
	  .arg = "ROUTE",
	  .help =
	      "requests that go to services of their own; the first that matches counts, and to "
	      "is for the rest" },
	{ .name = "policies",
	  .kind = HF_OPT_LIST,
	  .arg = "POLICY",
	  .help =
	      "other certificates, trust, rules and demands for some server names or listeners" },
	{ .name = NULL },
};

static const struct hf_option_group more[] = {
	{ "Lists that only a file can hold", lists, 0 },
	{ "Keys of a route", hf_serve_route_keys, 0 },
	{ "Keys of a policy", hf_serve_policy_keys, 0 },
	{ NULL, NULL, 0 },
};

const struct hf_man_file hf_serve_man = {
	.name = "handfast.yaml",
	.summary = "configuration of handfast serve",
	.description =
	    "The file that handfast serve reads with --config, and handfast rules too. It is YAML: one map. "
	    "Every option of handfast serve is a key of the same name (a dash may be an underscore), with the "
	    "same words, limits and defaults; a key that is not known is an error, for it might have been a "
	    "rule. Anchors, aliases, tags and keys given twice are refused.\n\n"
	    "While the gateway runs, the file and all files that it names are watched, unless reload is "
	    "signal. Rules, certificates, trust, revocation lists, demands and policies are taken as soon as "
	    "they change, for live connections and sessions too. A change of anything else asks for a "
	    "restart, and a file with a mistake is reported: in both cases nothing of it is taken.\n\n"
	    "A policy has its own certificate, or the file's; its own rules, or the file's; client-auth, "
	    "tls-min, tls-max, ocsp, ocsp-url and staple of its own, or the file's; and its own ca, crl, profile and compat, where "
	    "with a ca of its own the file's crl do not count. A name that no policy has, and a client that "
	    "asks for none, is met as the file says. A request whose Host belongs to another policy than its "
	    "connection is answered 421. Neither sessions nor what is remembered of clients cross from one "
	    "policy to another.",
	.groups = hf_serve_groups,
	.skip = hf_serve_no_keys,
	.more = more,
	.example = "listen: [\"0.0.0.0:8443\"]\n"
		   "cert: /etc/handfast/gw.pem\n"
		   "key: /etc/handfast/gw.key\n"
		   "ca: /etc/handfast/clients.pem\n"
		   "rules: [\"deny cn:old-batch\", \"allow o:ABC\"]\n"
		   "to: http://127.0.0.1:8080\n"
		   "routes:\n"
		   "  - name: admin\n"
		   "    path: /admin/*\n"
		   "    rules: [\"allow cn:operator\"]\n"
		   "    to: http://127.0.0.1:8081\n"
		   "policies:\n"
		   "  - name: partners\n"
		   "    sni: partners.abc.test\n"
		   "    ca: /etc/handfast/partners.pem\n"
		   "    rules: [\"allow dns:*.partner.test\"]\n"
		   "    tls-min: 1.3",
	.see_also = "serve, rules, ctl",
};
