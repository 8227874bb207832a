#include "tools/rank/page.h"

#include "tools/rank/page_script.h"
#include "tools/rank/page_style.h"

namespace gradus {

namespace {

constexpr const char* rank_page_body = R"html(<main>
<header><h1>Rank the answers</h1><p id="who"></p></header>
<form id="start">
<label for="name">Your name, which is saved with your rankings</label>
<input id="name" name="name" maxlength="80" autocomplete="name" required> <button>Begin</button>
<p id="refused" role="alert"></p>
</form>
<section id="work" hidden aria-label="A prompt and its answers">
<progress id="bar" aria-label="Prompts ranked"></progress>
<p id="count"></p>
<div id="prompt" aria-label="Prompt"></div>
<ol id="answers" aria-label="Answers"></ol>
<p id="order" role="status" aria-live="polite"></p>
<p id="problem" role="alert"></p>
<div class="buttons">
<button type="button" id="submit">Submit <kbd>Enter</kbd></button>
<button type="button" id="tie">Tie the last two <kbd>t</kbd></button>
<button type="button" id="undo">Undo <kbd>u</kbd></button>
</div>
<p class="keys">Click the answers from the best to the worst, or press their numbers. <kbd>t</kbd> gives the last answer the rank of
the one before it. You can stop at any time: what is submitted is saved.</p>
</section>
<section id="end" hidden>
<p>Nothing is left for you to rank. You have ranked <span id="total"></span>. Thank you! You can close this page.</p>
</section>
</main>
<noscript><p>This page needs JavaScript. Without a browser: gradus rank --terminal</p></noscript>
)html";

}  // namespace

std::string rank_page(const std::string& nonce) {
    return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Rank the answers</title>\n"
           "<link rel=\"icon\" href=\"data:,\">\n<style nonce=\"" +
           nonce + "\">" + rank_page_style + "</style>\n</head>\n<body>\n" + rank_page_body + "<script nonce=\"" +
           nonce + "\">" + rank_page_script + "</script>\n</body>\n</html>\n";
}

}  // namespace gradus
