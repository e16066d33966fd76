# SPDX-License-Identifier: Apache-2.0
"""embed.py OUTPUT FILE.sql... - the migrations as C string literals, one row each, in the order given."""
import os
import re
import sys

with open(sys.argv[1], "w", encoding="utf-8") as out:
    for path in sys.argv[2:]:
        number = int(re.match(r"\d+", os.path.basename(path)).group(0))
        with open(path, encoding="utf-8") as f:
            sql = re.sub(r"(?m)--.*$", "", f.read())
        lines = [line.strip() for line in sql.splitlines() if line.strip()]
        out.write("{ %d,\n" % number)
        out.writelines('  "%s\\n"\n' % line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
        out.write("},\n")
