# SPDX-License-Identifier: Apache-2.0
"""Mistakes people make, as data: what is written, and what must be said of it.  tools/check-mistakes looks that
every code of lib/base/mistakes.def has a row here."""
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """One mistake.  `argv`: the words, run in a directory with FILES and a home that has an authority, the identities
    localhost and amy, and a request "waiting" (empty=True: a home with nothing in it).  `wrong`: what stands above the
    carets; `at`: "file:line:column", else it is a word of argv.  `help`: words that the help has.  `mend`: the command
    that the help names, with its blanks filled in; then the mistake is gone, and argv (or `then`) exits with 0."""
    code: str
    argv: str
    exit: int
    wrong: str = ""
    at: str = ""
    help: str = ""
    mend: str = ""
    then: str = ""
    empty: bool = False
    peer: str = ""  # somebody who is there: "silent" ({port}), "hangs up" (gone.sock), "service" (has the lock)

    @property
    def label(self):
        return "%s %s" % (self.code, re.sub(r"[^\w.:=-]+", "_", self.argv)[:60])


FILES = {
    "text.pem": "hello\n",
    "strict.yaml": "defaults:\n  max_days: 30\n  key_types: [p384]\n",
    "d/file": "",
    "broken.pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "page.pem": "<html>not found</html>\n",
    "anchor.yaml": "defaults: &a {}\nprofiles: { server: *a }\n",
    "mixed.yaml": "- defaults\nprofiles: {}\n",
    "key.yaml": "# a comment\nprofles: {}\n",
    "deep.yaml": "profiles:\n  client:\n    max-dys: 5\n",
    "twice.yaml": "defaults:\n  days: 1\n  days: 2\n",
    "value.yaml": "defaults:\n  max_days: soon\n",
    "quoted.yaml": "defaults:\n  key_types: [p256, \"p265\"]\n",
    "list.yaml": "defaults: [days]\n",
    "gate.yaml": "listen: [\"127.0.0.1:0\"]\nlisen: x\n",
    "rule.yaml": "listen: [\"127.0.0.1:0\"]\nas: localhost\nrules:\n  - \"deny cn:old\"\n"
                 "  - allow o:ABC+cnn:amy\nrespond: verdict\n",
    "word.yaml": "listen: [\"127.0.0.1:0\"]\nas: localhost\nclient-auth: reqire\n",
}

ROWS = [
    # the command line
    Mistake("E-COMMAND", "sreve", 2, "sreve", help="did you mean 'serve'?"),
    Mistake("E-COMMAND", "--json", 2, help="handfast --help", mend="--help"),
    Mistake("E-COMMAND", "trust ad", 2, "ad", help="did you mean trust add?"),
    Mistake("E-COMMAND", "trust", 2, help="handfast help trust", mend="help trust"),
    Mistake("E-OPTION", "issue bob --clinet", 2, "--clinet", help="did you mean --client?",
            mend="issue bob --client", then="list"),
    Mistake("E-OPTION", "list -qz", 2, "z", help="handfast help list", mend="help list"),
    Mistake("E-OPTION", "list --wibble=1", 2, "--wibble", help="handfast help list"),
    Mistake("E-OPTION", "-z list", 2, "z", help="handfast help COMMAND"),
    Mistake("E-OPTION-VALUE", "get https://localhost/ --cert", 2, "--cert", help="handfast help get"),
    Mistake("E-OPTION-VALUE", "list --all=yes", 2, "=yes", help="handfast help list", mend="list --all"),
    Mistake("E-OPTION-VALUE", "--home= list", 2, help="handfast help list"),
    Mistake("E-OPTION-WORD", "serve --client-auth reqire", 2, "reqire", help="did you mean require?"),
    Mistake("E-OPTION-WORD", "init --key-type=p265", 2, "p265", help="did you mean p256?"),
    Mistake("E-OPTION-WORD", "verify --purpose mail amy", 2, "mail", help="known: "),
    Mistake("E-OPTION-NUMBER", "list --limit many", 2, "many", help="handfast help list"),
    Mistake("E-OPTION-NUMBER", "issue bob --client --days 1x", 2, "1x", help="handfast help issue",
            mend="issue bob --client --days 1d", then="list"),
    Mistake("E-OPTION-NUMBER", "verify --at yesterday amy", 2, "yesterday", help="handfast help verify"),
    Mistake("E-OPTION-NUMBER", "serve --max-chain-bytes 4kb", 2, "4kb", help="handfast help serve"),
    Mistake("E-OPTION-RANGE", "issue bob --client --days 0", 2, "0", help="handfast help issue"),
    Mistake("E-OPTION-RANGE", "serve --workers=0", 2, "0", help="handfast help serve"),
    Mistake("E-ARGUMENT", "verify", 2, help="usage: handfast verify"),
    Mistake("E-ARGUMENT", "list a b", 2, "b", help="usage: handfast list", mend="list a"),
    Mistake("E-EXPLAIN-ID", "explain V-EXPIRD", 2, "V-EXPIRD", help="did you mean V-EXPIRED?", mend="explain V-EXPIRED"),
    Mistake("E-EXPLAIN-ID", "explain E-OPTON", 2, "E-OPTON", help="did you mean E-OPTION?", mend="explain E-OPTION"),
    Mistake("E-USAGE", "issue bob", 2, help="handfast help issue", mend="help issue"),
    Mistake("E-USAGE", "get --as amy --cert x.pem https://localhost:1/", 2, "--as", help="handfast help get"),
    # files in YAML
    Mistake("E-YAML-SYNTAX", "policy check anchor.yaml", 1, "&", at="anchor.yaml:1:11", help="quote what begins"),
    Mistake("E-YAML-SYNTAX", "policy check mixed.yaml", 1, "p", at="mixed.yaml:2:1", help="indent with spaces"),
    Mistake("E-YAML-KEY", "policy check key.yaml", 1, "profles", at="key.yaml:2:1", help="did you mean 'profiles'?"),
    Mistake("E-YAML-KEY", "policy check deep.yaml", 1, "max-dys", at="deep.yaml:3:5", help="did you mean 'max_days'?"),
    Mistake("E-YAML-KEY", "serve --config gate.yaml --check", 3, "lisen", at="gate.yaml:2:1", help="did you mean 'listen'?"),
    Mistake("E-YAML-TWICE", "policy check twice.yaml", 1, "days", at="twice.yaml:3:3", help="line 2"),
    Mistake("E-YAML-VALUE", "policy check value.yaml", 1, "soon", at="value.yaml:2:13", help="man policy.yaml"),
    Mistake("E-YAML-VALUE", "policy check quoted.yaml", 1, '"p265"', at="quoted.yaml:2:21", help="did you mean 'p256'?"),
    Mistake("E-YAML-VALUE", "policy check list.yaml", 1, "[", at="list.yaml:1:11", help="man policy.yaml"),
    Mistake("E-RULE-TERM", "serve --config rule.yaml --check", 3, "cnn", at="rule.yaml:5:17", help="did you mean 'cn:'?"),
    Mistake("E-OPTION-WORD", "serve --config word.yaml --check", 3, "reqire", at="word.yaml:3:14",
            help="did you mean require?"),
    # values
    Mistake("E-RULE-TERM", "serve --as localhost --respond verdict --listen 127.0.0.1:0 --allow dns:amy+cnn:amy", 2, "cnn",
            help="did you mean 'cn:'?", mend="rules --allow dns:amy+cn:amy amy"),
    Mistake("E-RULE-TERM", "verify --allow=everybody amy", 2, "everybody", help="terms are any"),
    Mistake("E-RULE-VALUE", "verify --allow ip:10.0.0.1/8 amy", 2, "10.0.0.1/8", help="bits after the prefix"),
    Mistake("E-RULE-VALUE", "verify --allow cn:amy+dns:*.*.abc amy", 2, "*.*.abc", help="dns:*.example.com"),
    Mistake("E-RULE-VALUE", "verify --allow sha256:abcd amy", 2, "abcd", help="64 hexadecimal digits"),
    Mistake("E-RULE", "verify --allow cn:amy+ amy", 2, "+", help="the term that must match too"),
    Mistake("E-RULE", "verify --allow '' amy", 2, help="'any' stands for everybody"),
    Mistake("E-SUBJECT", "issue bob --client --subject /O=ABC/OU=/CN=bob", 2, "OU=", help="leave the part out",
            mend="issue bob --client --subject /O=ABC/CN=bob", then="list"),
    Mistake("E-SUBJECT", "request bob --subject /C=India/CN=bob", 2, "C=India", help="/C=IN/O=ABC Inc./CN=amy"),
    Mistake("E-SUBJECT-TYPE", "issue bob --client --subject /O=ABC/CNN=bob", 2, "CNN", help="did you mean 'CN'?",
            mend="issue bob --client --subject /O=ABC/CN=bob", then="list"),
    Mistake("E-SAN-KIND", "issue bob --client --san dns:bob,dsn:bob.abc", 2, "dsn", help="did you mean dns:bob.abc?",
            mend="issue bob --client --san dns:bob,dns:bob.abc", then="list"),
    Mistake("E-SAN-KIND", "request bob --san=10.0.0.7", 2, "10.0.0.7", help="write ip:10.0.0.7"),
    Mistake("E-SAN", "request bob --san dns:bob..abc", 2, "bob..abc", help="letters, digits"),
    Mistake("E-SAN", "request bob --san ip:10.0.0.700", 2, "10.0.0.700", help="write ip:192.0.2.1"),
    Mistake("E-SAN", "request bob --san dns:bob,,ip:10.0.0.7", 2, ",", help="between commas"),
    Mistake("E-PERMIT", "init ABC --permit dns:abc.com,ip:10.0.0.1/8", 2, "ip:10.0.0.1/8", help="10.0.0.0/8", empty=True),
    Mistake("E-PERMIT", "init ABC --permit host:abc.com", 2, "host:abc.com", help="dns:abc.com", empty=True),
    Mistake("E-ADDRESS", "serve --as localhost --allow any --respond verdict --listen localhost", 2, "localhost",
            help="ADDRESS:PORT"),
    Mistake("E-ADDRESS", "serve --as localhost --allow any --respond verdict --listen localhost:https", 2, "https",
            help="ADDRESS:PORT"),
    Mistake("E-URL", "explain localhost:https --as amy", 2, "localhost:https", help="write it as in https://"),
    Mistake("E-URL", "get http://localhost:1/", 2, "http://localhost:1/", help="write https://localhost:1/"),
    Mistake("E-URL", "get --as amy https://bob@localhost/", 2, help="write it as in https://"),
    Mistake("E-TARGET", "serve --as localhost --allow any --listen 127.0.0.1:0 --to https://127.0.0.1:1", 2, "https",
            help="handfast tunnel"),
    Mistake("E-TARGET", "serve --as localhost --allow any --listen 127.0.0.1:0 --to ftp://127.0.0.1:1", 2, "ftp",
            help="http://ADDR:PORT"),
    Mistake("E-NAME", "issue ../bob --client", 2, "../bob", help="no '/'"),
    Mistake("E-NAME", "request .bob", 2, ".bob", help="a directory"),
    # files, keys and homes
    Mistake("E-FILE-MISSING", "verify --ca gone.pem amy", 3, "gone.pem", help="correct the path",
            mend="verify --ca home/ca/root.pem amy"),
    Mistake("E-FILE-MISSING", "crl show text.pem/x", 3, "text.pem/x", help="correct the path"),
    Mistake("E-FILE-MISSING", "policy check gone.yaml", 3, "gone.yaml", help="correct the path"),
    Mistake("E-FILE-DIRECTORY", "verify --ca d amy", 2, "d", help="cert.pem"),
    Mistake("E-FILE-OTHER", "verify --ca text.pem amy", 3, "text.pem", help="PEM, DER"),
    Mistake("E-FILE-OTHER", "show page.pem", 3, "page.pem", help="fetch the file again"),
    Mistake("E-FILE-WRONG", "crl show home/ca/root.pem", 3, "home/ca/root.pem", help="handfast show",
            mend="show home/ca/root.pem"),
    Mistake("E-FILE-WRONG", "verify home/id/waiting/request.pem", 3, "home/id/waiting/request.pem",
            help="handfast show home/id/waiting/request.pem", mend="show home/id/waiting/request.pem"),
    Mistake("E-FILE-WRONG", "trust add bob home/id/amy/key.pem", 3, "home/id/amy/key.pem", help="certificate"),
    Mistake("E-CERT-MISSING", "get --cert home/id/waiting/request.pem --key home/id/waiting/key.pem https://localhost:1/",
            2, "home/id/waiting/request.pem", help="install the certificate that comes back"),
    Mistake("E-KEY-MISSING", "get --cert home/id/amy/cert.pem https://localhost:1/", 2, "home/id/amy/cert.pem",
            help="--key"),
    Mistake("E-KEY-MISMATCH", "get --cert home/id/amy/cert.pem --key home/id/waiting/key.pem https://localhost:1/", 3,
            "home/id/waiting/key.pem", help="the key made with this certificate's request"),
    Mistake("E-KEY-MISMATCH", "serve --cert home/id/localhost/cert.pem --key home/id/waiting/key.pem --allow any "
            "--respond verdict --listen 127.0.0.1:0", 3, "home/id/waiting/key.pem", help="enrol again"),
    Mistake("E-KEY-SWAPPED", "get --cert home/id/amy/key.pem --key home/id/amy/cert.pem https://localhost:1/", 3,
            "home/id/amy/key.pem", help="exchange the two paths"),
    Mistake("E-KEY-ENCRYPTED", "request bob --key locked.key", 3, "locked.key", help="--passphrase-file",
            mend="request bob --key locked.key --passphrase-file word", then="show home/id/bob/request.pem"),
    Mistake("E-PASSPHRASE-WRONG", "request bob --key locked.key --passphrase-file wrong", 3, "locked.key",
            help="check the passphrase", mend="request bob --key locked.key --passphrase-file word",
            then="show home/id/bob/request.pem"),
    Mistake("E-NO-AUTHORITY", "issue bob --client", 3, help="handfast init NAME", empty=True, mend="init ABC",
            then="issue bob --client"),
    Mistake("E-NO-AUTHORITY", "list --home elsewhere", 3, "elsewhere", help="--home DIR", mend="list --home home"),
    Mistake("E-NO-IDENTITY", "get --as ami https://localhost:1/", 3, "ami", help="did you mean 'amy'?"),
    Mistake("E-NO-IDENTITY", "serve --as web --allow any --respond verdict --listen 127.0.0.1:0", 3, "web",
            help="handfast issue web --server|--client", mend="issue web --server",
            then="serve --as web --allow any --respond verdict --listen 127.0.0.1:0 --check"),
    Mistake("E-IDENTITY-WAITS", "get --as waiting https://localhost:1/", 3, "waiting",
            help="handfast install waiting FILE"),
    Mistake("E-NO-TRUST", "get https://localhost:1/", 3, help="handfast trust add NAME FILE", empty=True),
    Mistake("E-NO-RULE", "serve --as localhost --respond verdict --listen 127.0.0.1:0", 2, help="--allow cn:mail-server",
            mend="serve --as localhost --respond verdict --listen 127.0.0.1:0 --allow cn:mail-server --check"),
    # network
    Mistake("E-HOST-UNKNOWN", "get --as amy https://nobody.invalid/", 3, "nobody.invalid", help="--connect"),
    Mistake("E-ADDRESS-IN-USE", "serve --as localhost --allow any --respond verdict --listen 127.0.0.1:{port}", 3,
            "127.0.0.1:{port}", help="port 0 takes any", peer="silent"),
    # in general
    Mistake("E-FORMAT", "show broken.pem", 3, "broken.pem", help="handfast show FILE"),
    Mistake("E-SYSTEM", "export amy --der text.pem/x", 3, help="try again"),
    Mistake("E-NOT-FOUND", "export amy --der nodir/x.der", 3, help="spelling"),
    Mistake("E-EXISTS", "init ABC", 1, help="--force", mend="init ABC --force"),
    Mistake("E-EXISTS", "issue amy --client", 1, help="--force", mend="issue amy --client --force", then="list"),
    Mistake("E-DENIED", "get --keylog open.log https://localhost:1/", 3, "open.log", help="chmod 600 open.log"),
    Mistake("E-LIMIT", "show big.pem", 3, "big.pem", help="256 MiB"),
    Mistake("E-PASSPHRASE", "export amy --p12 amy.p12", 3, help="--passphrase-file",
            mend="export amy --p12 amy.p12 --passphrase-file word", then="list"),
    Mistake("E-MISMATCH", "install amy home/id/localhost/cert.pem", 1, "home/id/localhost/cert.pem", help="request"),
    Mistake("E-POLICY", "issue bob --client --policy strict.yaml", 1, help="handfast policy show",
            mend="issue bob --client --policy strict.yaml --key-type p384", then="show bob"),
    Mistake("E-UNSUPPORTED", "request bob --key explicit.key", 3, "explicit.key", help="named_curve"),
    Mistake("E-CLOSED", "ctl status --admin gone.sock", 3, help="handfast explain", peer="hangs up"),
    Mistake("E-TIMEOUT", "enroll https://localhost:{port} --token-file token --timeout 1s", 3, help="--timeout",
            peer="silent"),
    Mistake("E-BUSY", "authority --listen 127.0.0.1:0", 3, help="repeat --listen", peer="service"),
]
