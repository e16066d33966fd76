# SPDX-License-Identifier: Apache-2.0
"""Points for an explanation, as the issue counts them: 0 nothing or misleading, 1 a hint, 2 side, certificate and
rule, 3 also the fix.  Run as a program it prints the table: explain_scores.py FILE-OF-HF_EXPLAIN_SCORES."""
import collections
import os
import sys

from explain_casebook import FIXES, ROLES


def wanted_role(case):
    role = case.get("role", ROLES.get(case["cause"], "leaf"))
    if case["cause"] == "V-NOT-A-CA" and case["side"] == "server":
        return "server-ca"
    if role in ("leaf", "ca"):
        return "server-leaf" if case["cause"] in ("P-CIPHER-KEY", "P-SIGALG") else case["side"] + "-" + role
    return role


def wanted_fix(case, pair, view):
    """Words of which one must stand in the fix: the file to change, where its owner is known in this view."""
    words = case.get("fix", FIXES.get(case["cause"]))
    if words:
        return [word.format(name=pair.name) for word in words]
    judge = "server" if case["side"] == "client" else "client"
    holder, trust = getattr(pair, case["side"]), pair.admits if judge == "server" else pair.trusts
    known = {"client": ("client",), "both": ("client", "server"), "server": ("server",)}[view]
    if case["fault"] == judge:
        return [trust] if judge in known else [judge]
    return [holder.cert] if holder and case["side"] in known else [case["side"]]


def points(case, told, pair, view):
    """(points, what is missing)"""
    refused_by = case.get("refused_by", "server" if case["side"] == "client" else "client")
    if told["cause"] != case["cause"]:
        sure = told["confidence"] == "certain"
        return (1 if case["cause"] in told["candidates"] and not sure else 0), "cause %s" % told["cause"]
    if (told["refused_by"], told["fault_in"]) != (refused_by, case["fault"]):
        return 1, "refused by %s, fault in %s" % (told["refused_by"], told["fault_in"])
    role = (told["certificate"] or {}).get("role") or ""
    if role != wanted_role(case):
        return 1, "role %s, wanted %s" % (role, wanted_role(case))
    words = wanted_fix(case, pair, view)
    if not any(word.lower() in (told["fix"] or "").lower() for word in words):
        return 2, "fix '%s' names none of %s" % (told["fix"], words)
    return 3, ""


def keep(view, row, judged, cause):
    """A line for the table, where HF_EXPLAIN_SCORES says."""
    path, (got, lacks) = os.environ.get("HF_EXPLAIN_SCORES"), judged
    if path:
        with open(path, "a", encoding="utf-8") as out:
            out.write("%s %s %s %s %d %s %s\n" % (view, *row, got, cause, lacks.replace("\n", " ")))


def table(path):
    rows = [line.split()[:6] for line in open(path, encoding="utf-8")]
    views = ("client", "both", "server")
    cells = collections.defaultdict(list)
    for view, name, _, _, got, _ in rows:
        cells[name, view].append(int(got))
        cells["all", view].append(int(got))
    print("%-24s %s" % ("case", " ".join("%9s" % view for view in views)))
    for name in sorted({row[1] for row in rows}) + ["all"]:
        line = ["%7.1f %%" % (sum(cells[name, view]) / 0.03 / len(cells[name, view])) if cells[name, view] else "        -"
                for view in views]
        print("%-24s %s" % (name, " ".join(line)))


if __name__ == "__main__":
    table(sys.argv[1])
