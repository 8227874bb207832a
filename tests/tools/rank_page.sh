#!/usr/bin/env bash
# The page of gradus rank in a real browser: ranking by keyboard and by mouse, ties, undo, plain text, two pages of one person.
source "$(dirname "$0")/helpers/check.sh"
browser=$(command -v chromium || command -v chromium-browser || true)
[ -n "$browser" ] && command -v python3 >/dev/null || { echo "skipped: no chromium (apt-get install chromium) or no python3"; exit 0; }
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT

for i in 1 2 3; do
    echo '{"prompt": "Question '$i'? <i>no markup</i>", "answers": ["a '$i'", "b '$i'\nsecond line", "<b onclick=alert(1)>c</b> '$i' <script>document.title = 1</script>", ""]}'
done >answers.jsonl
"$gradus" rank --answers answers.jsonl --out r.jsonl --port 0 >served.txt 2>&1 </dev/null &
server=$!
for _ in $(seq 600); do grep -q '^  http:' served.txt && break; sleep 0.1; done
address=$(sed -n 's/^  \(http:.*\)/\1/p' served.txt)
[ -n "$address" ] || fail "no page: $(cat served.txt)"

cat >pages.py <<'PY'
import json, pathlib, sys

sys.path.insert(0, sys.argv[1] + "/tests/tools/helpers")
from browser import Browser

address, file = sys.argv[2], pathlib.Path("r.jsonl")


def rankings():
    return [json.loads(line) for line in file.read_text().splitlines()]


def by_place(ranking):
    return [ranking["ranks"][i] for i in ranking["order"]]


def shown(element):
    return f"getComputedStyle(document.getElementById('{element}')).display !== 'none'"


with Browser(sys.argv[3]) as browser:
    page = browser.open(address)
    assert page.value(shown("start")) and not page.value(shown("work"))
    page.type("Ada L")
    page.key("Enter")
    page.wait(shown("work"))

    # Texts are texts.
    assert page.value("document.querySelector('#answers b, #answers script, #prompt i') === null && document.title !== '1'")
    text = page.value("document.body.innerText")
    assert "<i>no markup</i>" in text and "<b onclick=alert(1)>c</b>" in text and "second line" in text and "(an empty answer)" in text, text
    assert page.value("document.getElementById('count').textContent") == "0 ranked, 3 left"
    labels = page.value("[...document.querySelectorAll('.choose')].map(b => b.getAttribute('aria-label'))")
    assert labels == [f"Answer {i}, not ranked: rank it 1st" for i in (1, 2, 3, 4)], labels

    # By keyboard: the second answer is the best, the first and the third tie; incomplete ranks are not submitted.
    for key in ("2", "1", "9", "1", "3", "t"):
        page.key(key)
    assert page.value("document.getElementById('order').textContent") == "Best to worst: 2 > 1 = 3 …"
    page.key("Enter")
    assert page.value("document.getElementById('submit').disabled")
    for key in ("4", "u", "4", "Enter"):
        page.key(key)
    page.wait("document.getElementById('count').textContent === '1 ranked, 2 left'")
    assert by_place(rankings()[0]) == [2, 1, 2, 3] and rankings()[0]["rater"] == "Ada L", rankings()

    # By mouse: a card, its button, a tie by its button, a rank taken away and given again.
    page.click(".answer:nth-child(3) .text")
    page.click(".answer:nth-child(1) .choose")
    page.click(".answer:nth-child(4) .choose")
    page.click(".answer:nth-child(4) .equal")
    page.click(".answer:nth-child(3) .choose")
    page.click(".answer:nth-child(3) .choose")
    page.click(".answer:nth-child(2) .text")
    assert page.value("document.getElementById('order').textContent") == "Best to worst: 1 = 4 > 3 > 2. Press Enter to submit."
    pressed = page.value("[...document.querySelectorAll('.choose')].map(b => b.getAttribute('aria-pressed'))")
    assert pressed == ["true"] * 4, pressed

    # Another page with the same name is refused; this one goes on.
    other = browser.open(address)
    other.value("document.getElementById('name').value = 'Ada L'")
    other.click("#start button")
    other.wait("document.getElementById('refused').textContent.includes('at work in another page')")
    page.click("#submit")
    page.wait("document.getElementById('count').textContent === '2 ranked, 1 left'")
    assert by_place(rankings()[1]) == [1, 3, 2, 1], rankings()

    # Loaded again, it continues; the name is remembered.
    page.go("about:blank")
    page.go(address)
    assert page.value("document.getElementById('name').value") == "Ada L"
    page.click("#start button")
    page.wait("document.getElementById('count').textContent === '2 ranked, 1 left'")
    for key in ("1", "2", "t", "3", "t", "4", "t", "Enter"):
        page.key(key)
    page.wait(shown("end"))
    assert by_place(rankings()[2]) == [1, 1, 1, 1] and page.value("document.getElementById('total').textContent") == "3"

    # Light and dark.
    grounds = []
    for scheme in ("light", "dark"):
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        grounds.append(page.value("getComputedStyle(document.body).backgroundColor"))
    assert len(set(grounds)) == 2, grounds
    assert page.complaints == [], page.complaints
PY
python3 pages.py "$root" "$address" "$browser" || fail "the page: $(cat served.txt r.jsonl)"
kill -TERM "$server"
wait "$server" || fail "the server ended with $?: $(cat served.txt)"
server=
grep -q '3 rankings of 3 prompts by 1 rater' served.txt || fail "no report: $(cat served.txt)"
echo passed
