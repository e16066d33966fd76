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
    Mistake("E-USAGE", "get --as amy --cert x.pem https://localhost:1/", 2, help="handfast help get"),
    # in general
    Mistake("E-FORMAT", "crl show text.pem", 3, help="handfast show FILE"),
    Mistake("E-SYSTEM", "export amy --der text.pem/x", 3, help="try again"),
    Mistake("E-NOT-FOUND", "export amy --der nodir/x.der", 3, help="spelling"),
    Mistake("E-EXISTS", "init ABC", 1, help="--force", mend="init ABC --force"),
    Mistake("E-EXISTS", "issue amy --client", 1, help="--force", mend="issue amy --client --force", then="list"),
    Mistake("E-DENIED", "get --keylog open.log https://localhost:1/", 3, help="chmod 600 open.log"),
    Mistake("E-LIMIT", "show big.pem", 3, help="limit"),
    Mistake("E-PASSPHRASE", "request bob --key locked.key", 3, help="--passphrase-file",
            mend="request bob --key locked.key --passphrase-file word", then="show home/id/bob/request.pem"),
    Mistake("E-PASSPHRASE", "request bob --key locked.key --passphrase-file wrong", 3, help="check the passphrase"),
    Mistake("E-MISMATCH", "install amy home/id/localhost/cert.pem", 1, help="request"),
    Mistake("E-POLICY", "issue bob --client --policy strict.yaml", 1, help="handfast policy show",
            mend="issue bob --client --policy strict.yaml --key-type p384", then="show bob"),
    Mistake("E-UNSUPPORTED", "request bob --key explicit.key", 3, help="named_curve"),
    Mistake("E-CLOSED", "ctl status --admin gone.sock", 3, help="handfast explain", peer="hangs up"),
    Mistake("E-TIMEOUT", "enroll https://localhost:{port} --token-file token --timeout 1s", 3, help="--timeout",
            peer="silent"),
    Mistake("E-BUSY", "authority --listen 127.0.0.1:0", 3, help="repeat --listen", peer="service"),
]
