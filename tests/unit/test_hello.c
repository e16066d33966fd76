/* SPDX-License-Identifier: Apache-2.0 */
/* lib/tls/hello: the name in a ClientHello, and the context that goes with it. */
#include "tls_fixture.h"

#include "base/macros.h"
#include "tls/hello.h"
#include "tls/internal.h"

#define NAMES "DNS:localhost"

static const struct {
	const char *label;
	const char *body;
	size_t len;
	const char *name; /* NULL: not what the RFC allows */
} bodies[] = {
	{ "one name", "\0\6\0\0\3a.b", 8, "a.b" },
	{ "nothing", "", 0, NULL },
	{ "an empty list", "\0\0", 2, NULL },
	{ "an empty name", "\0\3\0\0\0", 5, NULL },
	{ "another type", "\0\6\1\0\3a.b", 8, NULL },
	{ "two names", "\0\xc\0\0\3a.b\0\0\3c.d", 14, NULL },
	{ "a byte left over", "\0\6\0\0\3a.bx", 9, NULL },
	{ "a byte left over in the list", "\0\7\0\0\3a.bx", 9, NULL },
	{ "a list that is too long", "\0\7\0\0\3a.b", 8, NULL },
	{ "a name that is too long", "\0\6\0\0\4a.b", 8, NULL },
	{ "a NUL inside", "\0\6\0\0\3a\0b", 8, NULL },
	{ "cut in the head", "\0\6\0\0", 4, NULL },
	{ "a high byte", "\0\4\0\0\1\xff", 6, "\xff" },
};

static void test_names_in_the_extension(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(bodies); i++) {
		const char *name = NULL;
		size_t len = 0;
		bool ok =
		    hf_tls_hello_name((const uint8_t *)bodies[i].body, bodies[i].len, &name, &len);

		if (ok != (bodies[i].name != NULL))
			fail_msg("%s: %s", bodies[i].label, ok ? "accepted" : "refused");
		if (ok && (len != strlen(bodies[i].name) || memcmp(name, bodies[i].name, len) != 0))
			fail_msg("%s: another name", bodies[i].label);
	}
}

static void test_a_name_has_at_most_255_bytes(void **state)
{
	uint8_t body[5 + 256] = { 0x01, 0x02, 0, 0x00, 0xff };
	const char *name;
	size_t len;

	(void)state;
	memset(body + 5, 'a', 256);
	assert_true(hf_tls_hello_name(body, 5 + 255, &name, &len));
	assert_int_equal(len, 255);
	body[1] = 3;
	body[3] = 1;
	body[4] = 0;
	assert_false(hf_tls_hello_name(body, sizeof(body), &name, &len));
}

/* --- contexts ---------------------------------------------------------------------------- */

static struct tx_party root, server_party, good;
static struct hf_trust *trust;

static int cast_make(void **state)
{
	static const struct fx_spec root_spec = { .subject = "/CN=Root", .exts = TX_CA_EXTS };
	static const struct fx_spec server_spec = { .subject = "/CN=localhost",
						    .serial = "10",
						    .exts = TX_LEAF_EXTS("serverAuth", NAMES) };
	static const struct fx_spec good_spec = { .subject = "/CN=good",
						  .serial = "11",
						  .exts = TX_LEAF_EXTS("clientAuth", NAMES) };

	(void)state;
	tx_issue(&root, &root_spec, NULL);
	tx_issue(&server_party, &server_spec, &root);
	tx_issue(&good, &good_spec, &root);
	tx_credential(&server_party);
	tx_credential(&good);
	trust = tx_trust_with(&root.x509, 1, NULL);
	return 0;
}

static int cast_done(void **state)
{
	(void)state;
	tx_party_done(&root);
	tx_party_done(&server_party);
	tx_party_done(&good);
	hf_trust_unref(trust);
	return 0;
}

static struct hf_tls_config server_config(void)
{
	return (struct hf_tls_config){ .role = HF_TLS_SERVER,
				       .credential = server_party.credential,
				       .trust = trust,
				       .now = tx_clock };
}

/* A gateway with three policies: strict for the rest (and tag 0), open, modern. */
struct house {
	struct hf_tls_context *open, *modern, *front;
};

static void house_make(struct house *house, enum hf_tls_version floor)
{
	struct hf_tls_config config = server_config();
	struct hf_tls_name names[3];

	config.scope = "open";
	config.tag = 1;
	config.client_auth = HF_CLIENT_AUTH_NONE;
	house->open = tx_context(&config);
	config.peers = hf_tls_context_peers(house->open);
	config.scope = "modern";
	config.tag = 2;
	config.client_auth = HF_CLIENT_AUTH_REQUIRE;
	config.tls_min = HF_TLS_1_3;
	house->modern = tx_context(&config);
	config.scope = NULL;
	config.tag = 0;
	config.tls_min = floor;
	names[0] = (struct hf_tls_name){ "open.test", house->open };
	names[1] = (struct hf_tls_name){ "*.Open.test", house->open };
	names[2] = (struct hf_tls_name){ "modern.open.test", house->modern };
	config.names = names;
	config.names_len = 3;
	house->front = tx_context(&config);
}

static void house_done(struct house *house)
{
	hf_tls_context_unref(house->front);
	hf_tls_context_unref(house->open);
	hf_tls_context_unref(house->modern);
}

static const struct {
	const char *name;
	size_t tag;
} lookups[] = {
	{ "open.test", 1 },
	{ "OPEN.TEST", 1 },
	{ "open.test.", 1 },
	{ "a.open.test", 1 },
	{ "a.b.open.test", 0 },
	{ ".open.test", 0 },
	{ "modern.open.test", 2 },
	{ "Modern.Open.Test.", 2 },
	{ "*.open.test", 0 },
	{ "xopen.test", 0 },
	{ "open.test.evil", 0 },
	{ "", 0 },
	{ ".", 0 },
	{ "test", 0 },
	{ "open.test..", 0 },
};

static void test_names_lead_to_contexts(void **state)
{
	struct house house;

	(void)state;
	house_make(&house, HF_TLS_VERSION_DEFAULT);
	for (size_t i = 0; i < HF_ARRAY_LEN(lookups); i++) {
		const char *name = lookups[i].name;
		const struct hf_tls_context *met =
		    hf_tls_context_for(house.front, name, strlen(name));

		if (hf_tls_context_tag(met) != lookups[i].tag)
			fail_msg("'%s' leads to %zu", name, hf_tls_context_tag(met));
	}
	house_done(&house);
}

static void test_a_name_twice_is_an_error(void **state)
{
	struct hf_tls_config config = server_config();
	HF_AUTO(hf_tls_context) other = tx_context(&config);
	const struct hf_tls_name names[] = { { "a.test", other }, { "A.test.", other } };
	struct hf_tls_context *front = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	config.peers = hf_tls_context_peers(other);
	config.names = names;
	config.names_len = 2;
	assert_int_equal(hf_tls_context_new(&config, &front, &err), -HF_E_EXIST);
	config.names_len = 1;
	config.peers = NULL;
	assert_int_equal(hf_tls_context_new(&config, &front, &err), -HF_E_INVALID);
	assert_null(front);
}

static struct hf_tls_context *client_for(const char *name, bool shows, enum hf_tls_version version,
					 const char *groups)
{
	const struct hf_tls_config config = { .role = HF_TLS_CLIENT,
					      .credential = shows ? good.credential : NULL,
					      .trust = trust,
					      .server_name = name,
					      .insecure = true,
					      .groups = groups,
					      .tls_min = version,
					      .tls_max = version,
					      .now = tx_clock };

	return tx_context(&config);
}

static const struct {
	const char *name; /* NULL: none asked for */
	bool shows;
	enum hf_tls_version version;
	bool in;
	size_t tag;
} meetings[] = {
	{ NULL, true, HF_TLS_1_3, true, 0 },
	{ NULL, false, HF_TLS_1_3, false, 0 },
	{ "open.test", false, HF_TLS_1_3, true, 1 },
	{ "open.test", false, HF_TLS_1_2, true, 1 },
	{ "x.Open.Test", false, HF_TLS_1_2, true, 1 },
	{ "x.y.open.test", false, HF_TLS_1_2, false, 0 },
	{ "modern.open.test", true, HF_TLS_1_2, false, 2 },
	{ "modern.open.test", true, HF_TLS_1_3, true, 2 },
	{ "modern.open.test", false, HF_TLS_1_3, false, 2 },
};

/* The floor of the front is above or below that of the name: the name's counts. */
static void check_meetings(enum hf_tls_version floor, size_t piece)
{
	struct house house;

	house_make(&house, floor);
	for (size_t i = 0; i < HF_ARRAY_LEN(meetings); i++) {
		HF_AUTO(hf_tls_context) client =
		    client_for(meetings[i].name, meetings[i].shows, meetings[i].version, NULL);
		struct tx_meeting m = { .wire.piece = piece };

		tx_meet_begin(&m, client, house.front);
		tx_meet_shake(&m);
		if ((m.server_step == HF_TLS_DONE) != meetings[i].in)
			fail_msg("%zu: %s", i, meetings[i].in ? "kept out" : "let in");
		assert_int_equal(hf_tls_conn_tag(m.server), meetings[i].tag);
		tx_meet_end(&m);
	}
	house_done(&house);
}

static void test_who_is_let_in_under_which_name(void **state)
{
	(void)state;
	check_meetings(HF_TLS_VERSION_DEFAULT, 0);
}

static void test_hello_byte_by_byte(void **state)
{
	(void)state;
	check_meetings(HF_TLS_VERSION_DEFAULT, 1);
}

static void test_floor_of_the_front_is_not_the_names(void **state)
{
	HF_AUTO(hf_tls_context) client = client_for("open.test", false, HF_TLS_1_2, NULL);
	HF_AUTO(hf_tls_context) other = client_for("localhost", true, HF_TLS_1_2, NULL);
	struct tx_meeting m = { 0 };
	struct house house;

	(void)state;
	house_make(&house, HF_TLS_1_3);
	tx_meet_begin(&m, client, house.front);
	tx_meet_shake(&m);
	assert_int_equal(m.server_step, HF_TLS_DONE);
	tx_meet_end(&m);
	m = (struct tx_meeting){ 0 };
	tx_meet_begin(&m, other, house.front);
	tx_meet_shake(&m);
	assert_int_equal(m.server_step, HF_TLS_FAILED);
	assert_string_equal(hf_tls_conn_failure(m.server)->cause, "P-VERSION");
	tx_meet_end(&m);
	house_done(&house);
}

/* --- a second hello ---------------------------------------------------------------------- */

static int hellos;

/* "open.test" in the second hello becomes "oqen.test". */
static void other_name(uint8_t *data, size_t len, int to_server)
{
	uint8_t *at = to_server ? memmem(data, len, "open.test", 9) : NULL;

	if (at != NULL && ++hellos == 2)
		at[1] = 'q';
}

static void test_second_hello_asks_for_the_same_name(void **state)
{
	HF_AUTO(hf_tls_context) client = client_for("open.test", false, HF_TLS_1_3, "X448:X25519");
	struct tx_meeting m = { 0 };
	struct house house;

	(void)state;
	house_make(&house, HF_TLS_VERSION_DEFAULT);
	tx_meet_begin(&m, client, house.front);
	tx_meet_shake(&m);
	assert_int_equal(m.server_step, HF_TLS_DONE);
	assert_int_equal(hf_tls_conn_tag(m.server), 1);
	tx_meet_end(&m);
	m = (struct tx_meeting){ .wire.damage = other_name };
	hellos = 0;
	tx_meet_begin(&m, client, house.front);
	tx_meet_shake(&m);
	assert_int_equal(hellos, 2);
	assert_int_equal(m.server_step, HF_TLS_FAILED);
	assert_int_equal(hf_tls_conn_failure(m.server)->alert, 47);
	tx_meet_end(&m);
	house_done(&house);
}

/* --- one chain under two policies -------------------------------------------------------- */

static size_t drops;

static void note_drop(struct hf_tls_conn *conn, const struct hf_verdict *why, void *arg)
{
	(void)conn;
	(void)arg;
	assert_false(why->accepted);
	drops++;
}

static void test_sweep_judges_each_under_its_own_policy(void **state)
{
	HF_AUTO(hf_rules) nobody = tx_rules("cn:nobody");
	HF_AUTO(hf_tls_context) to_rest = client_for(NULL, true, HF_TLS_1_3, NULL);
	HF_AUTO(hf_tls_context) to_modern = client_for("modern.open.test", true, HF_TLS_1_3, NULL);
	HF_AUTO(hf_tls_context) stricter = NULL;
	struct hf_tls_config config = server_config();
	struct tx_meeting a = { 0 }, b = { 0 };
	struct hf_peers_policy policies[2];
	struct hf_peers *peers;
	struct house house;

	(void)state;
	house_make(&house, HF_TLS_VERSION_DEFAULT);
	peers = hf_tls_context_peers(house.front);
	tx_meet_begin(&a, to_rest, house.front);
	tx_meet_shake(&a);
	tx_meet_begin(&b, to_modern, house.front);
	tx_meet_shake(&b);
	assert_int_equal(a.server_step, HF_TLS_DONE);
	assert_int_equal(b.server_step, HF_TLS_DONE);
	config.peers = peers;
	config.scope = "modern";
	config.rules = nobody;
	stricter = tx_context(&config);
	policies[0] = (struct hf_peers_policy){ house.front, true };
	policies[1] = (struct hf_peers_policy){ stricter, true };
	drops = 0;
	assert_int_equal(hf_peers_sweep(peers, policies, 2, tx_now, note_drop, NULL, NULL), 1);
	assert_int_equal(drops, 1);
	assert_true(hf_tls_conn_verdict(a.server)->accepted);
	assert_false(hf_tls_conn_verdict(b.server)->accepted);
	tx_meet_end(&a);
	tx_meet_end(&b);
	house_done(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_in_the_extension),
		cmocka_unit_test(test_a_name_has_at_most_255_bytes),
		cmocka_unit_test(test_names_lead_to_contexts),
		cmocka_unit_test(test_a_name_twice_is_an_error),
		cmocka_unit_test(test_who_is_let_in_under_which_name),
		cmocka_unit_test(test_hello_byte_by_byte),
		cmocka_unit_test(test_floor_of_the_front_is_not_the_names),
		cmocka_unit_test(test_second_hello_asks_for_the_same_name),
		cmocka_unit_test(test_sweep_judges_each_under_its_own_policy),
	};

	return cmocka_run_group_tests(tests, cast_make, cast_done);
}
