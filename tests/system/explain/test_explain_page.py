# SPDX-License-Identifier: Apache-2.0
"""The page of `explain --html`: well formed, alone, the failing step marked, foreign bytes never markup."""
import html.parser
import re
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peer_servers import OpenSSLServer
from support.ports import free_port

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import write  # noqa: E402


class Page(html.parser.HTMLParser):
    """Every element opened is closed, in order; what each class holds."""
    VOID = {"meta", "link", "br", "img"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.texts, self.tags, self.attributes = [], {}, [], []
        self.feed(text)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append((tag, dict(attrs).get("class") or tag))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data):
        for _, kind in self.open:
            self.texts.setdefault(kind, []).append(data)


def page_of(hf, town, tmp_path, port, cert, key, code=1):
    path = tmp_path / "page.html"
    hf("explain", "localhost:%d" % port, "--connect", "127.0.0.1:%d" % port, "--ca", town.ca, "--cert", cert, "--key",
       key, "--html", path, exit=code)
    return path.read_text()


def test_the_page_is_well_formed_and_needs_nothing_else(hf, town, tmp_path):
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        text = page_of(hf, town, tmp_path, server.port, town["expired"].cert, town["expired"].key)
    page = Page(text)
    assert text.startswith("<!doctype html>")
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not {"src", "href", "onload", "onclick"} & {name for name, _ in page.attributes}
    assert "://" not in text and "url(" not in text and "@import" not in text
    assert "default-src 'none'" in text
    assert len([kind for kind in page.attributes if kind == ("class", "step s f")]) == 1
    assert "alert 45 certificate_expired" in "".join(page.texts["step s f"])
    assert len([1 for name, value in page.attributes if name == "class" and value.startswith("card")]) >= 4
    assert "".join(page.texts["card f"]).count("serial") == 1
    assert "V-EXPIRED" in "".join(page.texts["badge"]) and town["expired"].cert in "".join(page.texts["pre"])


def test_a_page_of_a_meeting(hf, town, tmp_path):
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        text = page_of(hf, town, tmp_path, server.port, town["mail"].cert, town["mail"].key, 0)
    page = Page(text)
    assert "mended in" not in text and "the client sends" in text
    assert "THEY MEET" in "".join(page.texts["badge"]) and not re.search(r'class="(step|card) [^"]*f"', text)


def test_a_page_without_a_handshake(hf, town, tmp_path):
    page = Page(page_of(hf, town, tmp_path, free_port(), town["mail"].cert, town["mail"].key))
    assert "T-REFUSED" in "".join(page.texts["badge"]) and "lanes" not in page.texts
    assert "[T-REFUSED]" not in "".join(page.texts["h1"])
    assert "the client has" in "".join(page.texts["cards"]) and "the client sends" not in "".join(page.texts["cards"])


@pytest.mark.parametrize("name", ["<script>alert(1)", "a\"b' onload=x", "&amp;<b>"])
def test_a_name_is_never_markup(hf, town, tmp_path, name):
    client = zoo.make(dict(zoo.CLIENT, subject="/O=Zoo/CN=x", days=[-9, -1]), town.certs["issuing"])
    client = zoo.make(dict(client.spec, subject="/O=Zoo/CN=" + name.replace("=", "-").replace("/", "-")),
                      town.certs["issuing"])
    cert = write(tmp_path, "c.pem", client.pem + town.certs["issuing"].pem)
    key = write(tmp_path, "c.key", client.key_pem)
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        text = page_of(hf, town, tmp_path, server.port, cert, key)
    page = Page(text)
    assert "script" not in page.tags and page.tags.count("b") == text.count("</b>")
    assert {name for name, _ in page.attributes} <= {"class", "lang", "charset", "name", "content", "http-equiv"}
