/* SPDX-License-Identifier: Apache-2.0 */
/* The openssl.cnf of an exported tree.  Must never let a request decide what its certificate is
 * for: the profiles say so themselves, and a request adds names only. */
#include "ca/import/openssl_export.h"

static const char head[] =
    "# Written by handfast export openssl.  Issue with\n"
    "#   openssl ca -config THIS -extensions server -in request.csr -out cert.pem\n"
    "# (or client, peer); revoke with -revoke cert.pem -crl_reason keyCompromise; sign a list with\n"
    "#   openssl ca -config THIS -gencrl -out crl.pem\n"
    "# When the directory moves, change `dir`.\n"
    "\n"
    "[ ca ]\n"
    "default_ca = handfast\n"
    "\n"
    "[ handfast ]\n";

static const char section[] =
    "certs = $dir/certs\n"
    "new_certs_dir = $dir/newcerts\n"
    "database = $dir/index.txt\n"
    "serial = $dir/serial\n"
    "crlnumber = $dir/crlnumber\n"
    "crl = $dir/crl.pem\n"
    "certificate = $dir/cacert.pem\n"
    "private_key = $dir/private/cakey.pem\n"
    "default_days = 30\n"
    "default_crl_days = 30\n"
    "default_md = default\n"
    "preserve = yes\n"
    "unique_subject = no\n"
    "policy = policy_any\n"
    "# names come from the request; all else is said below and cannot be asked for\n"
    "copy_extensions = copy\n"
    "x509_extensions = peer\n"
    "crl_extensions = crl_ext\n";

static const char rest[] = "\n"
			   "[ policy_any ]\n"
			   "countryName = optional\n"
			   "stateOrProvinceName = optional\n"
			   "localityName = optional\n"
			   "organizationName = optional\n"
			   "organizationalUnitName = optional\n"
			   "commonName = optional\n"
			   "emailAddress = optional\n"
			   "\n"
			   "[ crl_ext ]\n"
			   "authorityKeyIdentifier = keyid:always\n"
			   "\n"
			   "[ req ]\n"
			   "distinguished_name = req_name\n"
			   "[ req_name ]\n"
			   "commonName = Common name\n";

static const struct {
	const char *name, *constraints, *usage, *purposes;
} profiles[] = {
	{ "server", "CA:FALSE", "digitalSignature", "serverAuth" },
	{ "client", "CA:FALSE", "digitalSignature", "clientAuth" },
	{ "peer", "CA:FALSE", "digitalSignature", "serverAuth, clientAuth" },
	{ "intermediate", "CA:TRUE, pathlen:0", "keyCertSign, cRLSign", NULL },
};

/* In double quotes of OpenSSL's syntax nothing is special but the quote, '$' and the backslash. */
static void put_quoted(struct hf_buf *out, const char *text)
{
	(void)hf_buf_putc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\' || *text == '$')
			(void)hf_buf_putc(out, '\\');
		(void)hf_buf_putc(out, *text);
	}
	(void)hf_buf_putc(out, '"');
}

int hf_export_config(const char *dir, bool random_serials, struct hf_buf *out)
{
	(void)hf_buf_puts(out, head);
	(void)hf_buf_puts(out, "dir = ");
	put_quoted(out, dir);
	(void)hf_buf_putc(out, '\n');
	(void)hf_buf_puts(out, section);
	if (random_serials)
		(void)hf_buf_puts(out, "rand_serial = yes\n");
	for (size_t i = 0; i < HF_ARRAY_LEN(profiles); i++) {
		(void)hf_buf_printf(out,
				    "\n[ %s ]\n"
				    "basicConstraints = critical, %s\n"
				    "keyUsage = critical, %s\n",
				    profiles[i].name, profiles[i].constraints, profiles[i].usage);
		if (profiles[i].purposes)
			(void)hf_buf_printf(out, "extendedKeyUsage = %s\n", profiles[i].purposes);
		(void)hf_buf_puts(out, "subjectKeyIdentifier = hash\n"
				       "authorityKeyIdentifier = keyid:always\n");
	}
	(void)hf_buf_puts(out, rest);
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}
