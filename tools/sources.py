# SPDX-License-Identifier: Apache-2.0
"""sources.py FOLDER/meson.build - for the time in which several people write the folders at once: prints
"complete" when every .c file that the list names is there, else the names that are.  The build leaves
out the rest, with a warning, so that one unfinished folder does not stop the others."""
import os
import re
import sys

folder = os.path.dirname(sys.argv[1])
with open(sys.argv[1], encoding="utf-8") as f:
    names = re.findall(r"'([\w./-]+\.c)'", re.sub(r"(?m)#.*$", "", f.read()))
there = [n for n in names if os.path.exists(os.path.join(folder, n))]
print("\n".join(there) if len(there) < len(names) else "complete")
