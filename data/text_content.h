#pragma once
// Decides from the content, not the name, whether bytes are text.
#include <string>
#include <string_view>

namespace gradus {

// Why the bytes cannot be text in any charset that charset.h knows; empty if they can. They are binary if they begin
// with the magic number of a known format (pdf, zip, xz, png, …), or if more than one byte in fifty is a control
// character other than white space, escape, shift and NUL. Single-byte and multi-byte charsets and UTF-16 pass.
std::string why_binary(std::string_view bytes);

// The same, but stricter, for a file whose name says nothing: no NUL either, unless a byte order mark explains it.
std::string why_not_text(std::string_view bytes);

}  // namespace gradus
