# SPDX-License-Identifier: Apache-2.0
"""What several tests of the authority need."""
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from support import zoo


@pytest.fixture
def requests():
    """requests(FOLDER, COUNT): that many requests, all of one key: who asks does not matter here."""
    def make(folder, count, prefix="node"):
        folder.mkdir()
        key = zoo.new_key("ec")
        for i in range(count):
            csr = (x509.CertificateSigningRequestBuilder().subject_name(zoo.name_of("/CN=%s-%04d" % (prefix, i)))
                   .sign(key, hashes.SHA256()))
            (folder / ("%s-%04d.csr" % (prefix, i))).write_bytes(csr.public_bytes(serialization.Encoding.PEM))
        return folder
    return make
