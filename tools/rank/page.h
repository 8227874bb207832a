#pragma once
// The page of `gradus rank`: one document that needs nothing from elsewhere.
#include <string>

namespace gradus {

// `nonce` marks its own style and script as those that the browser may use (Content-Security-Policy).
std::string rank_page(const std::string& nonce);

}  // namespace gradus
