#!/usr/bin/env bash
# The tables of options in docs/commands.md have the defaults that --help prints, which are those of the code.
source "$(dirname "$0")/helpers/check.sh"
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 0; }

cat >defaults.py <<'PY'
import pathlib, re, subprocess, sys

gradus, page = sys.argv[1:]
OPTION = re.compile(r"^  (?:-\w,)?(--[a-z-]+) [A-Z]+(?::(?:\{[^}]*\}|[^={}]*))?=(\S+)")


def documented(section):
    """Option → default, from rows such as | `--dtype D`, `--threads N`, `--json` | f32, 0 | above |."""
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) < 3 or not re.match(r"`-", cells[0]):
            continue
        names = re.findall(r"`(--[a-z-]+)", cells[0])
        defaults = cells[1].split(", ") if len(names) > 1 else [cells[1]]
        found.update(zip(names, defaults))
    return found


breaches, compared = [], 0
for section in re.split(r"^## ", pathlib.Path(page).read_text(), flags=re.M):
    title = section.splitlines()[0]
    if not title.startswith("gradus ") or "," in title:
        continue
    help_text = subprocess.run([gradus, *title.split()[1:], "--help"], capture_output=True, text=True, check=True).stdout
    there = documented(section)
    for option, default in (m.groups() for m in map(OPTION.match, help_text.splitlines()) if m):
        compared += 1
        if there.get(option) != default:
            breaches.append(f"{title} {option}: the default is {default}, and the page says {there.get(option)}")
print("\n".join(breaches) or f"{compared} defaults are those of --help")
sys.exit(bool(breaches) or compared < 40)
PY
python3 defaults.py "$gradus" "$root/docs/commands.md" >out.txt || fail "docs/commands.md: $(cat out.txt)"
cat out.txt

# A page with another default is found out.
sed 's/| `--val-fraction X` | 0.02 |/| `--val-fraction X` | 0.03 |/' "$root/docs/commands.md" >other.md
! python3 defaults.py "$gradus" other.md >out.txt || fail "another default is not found"
grep -q 'gradus data prepare --val-fraction: the default is 0.02, and the page says 0.03' out.txt || fail "$(cat out.txt)"
echo passed
