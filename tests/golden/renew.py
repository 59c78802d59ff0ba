"""Write the golden curves anew, and say what changed: `make golden`."""

import json
import sys

from curves import FOLDER, NAMES, curve, stored

for name in NAMES:
    old, new = stored(name), curve(name)
    (FOLDER / f"{name}.json").write_text(json.dumps(new, indent=2) + "\n")
    for term, values in new.items():
        if old.get(term) != values:
            sys.stdout.write(f"{name} {term}: {old.get(term)} -> {values}\n")
