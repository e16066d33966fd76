/* SPDX-License-Identifier: Apache-2.0 */
/* A server of OpenSSL that verifies its clients and never heard of
 * SSL_CTX_set_session_id_context(3): bare_server CERT KEY CA 1.2|1.3.  Says "PORT n", then answers
 * one connection after the other. */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char page[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

static void answer(SSL_CTX *context, int fd)
{
	SSL *ssl = SSL_new(context);
	char request[4096];

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0) {
		SSL_write(ssl, page, (int)strlen(page));
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	shutdown(fd, SHUT_WR);
	while (read(fd, request, sizeof(request)) > 0)
		;
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	int version = argc > 4 && strcmp(argv[4], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (argc < 5 || SSL_CTX_use_certificate_chain_file(context, argv[1]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, argv[2], SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_load_verify_file(context, argv[3]) != 1)
		return 2;
	SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(argv[3]));
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, version);
	if (bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 10) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &len) != 0)
		return 3;
	printf("PORT %d\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;)
		answer(context, accept(listener, NULL, NULL));
}
