#pragma once
// Base64 with padding (RFC 4648, section 4).
#include <optional>
#include <string>
#include <string_view>

namespace gradus {

std::string to_base64(std::string_view bytes);
// Nothing if the text is not what to_base64 returns for some bytes.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace gradus
