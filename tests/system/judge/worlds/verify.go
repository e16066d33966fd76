// SPDX-License-Identifier: Apache-2.0
// What Go's crypto/x509 says of each row of standard input: CHAIN TRUST SIDE NAME, tabs between.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

func read(path string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, errors.New("no certificate")
	}
	return certs, nil
}

// What crypto/tls asks of a peer's key before anything is signed with it.
func usable(cert *x509.Certificate) error {
	switch cert.PublicKey.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	}
	return fmt.Errorf("tls: unsupported type of public key: %T", cert.PublicKey)
}

// As crypto/tls does: a trusted certificate that does not parse is left out, one that a peer sends ends the handshake.
func judge(chain, trust, side, name string) error {
	certs, err := read(chain)
	if err != nil {
		return err
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	if anchors, err := read(trust); err == nil {
		for _, cert := range anchors {
			roots.AddCert(cert)
		}
	}
	for _, cert := range certs[1:] {
		between.AddCert(cert)
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: name}
	if side == "client" {
		options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	if _, err = certs[0].Verify(options); err != nil {
		return err
	}
	return usable(certs[0])
}

func main() {
	rows := bufio.NewScanner(os.Stdin)
	for rows.Scan() {
		cell := strings.Split(rows.Text(), "\t")
		if err := judge(cell[0], cell[1], cell[2], cell[3]); err != nil {
			fmt.Println("refuse", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("accept")
		}
	}
}
