#pragma once
// Whether bytes are text, by what they are and not by a name.
#include <string>
#include <string_view>

namespace gradus {

// Why the bytes cannot be text of any charset that charset.h knows; empty when they can. They are binary when they begin
// with the magic number of a known format (pdf, zip, xz, png, …), or when more than one byte in fifty is a control
// character other than white space, escape, shift and NUL. Text of charsets of one byte or several passes, and UTF-16.
std::string why_binary(std::string_view bytes);

// The same, stricter, for a file whose name says nothing: no NUL either, unless a byte order mark explains it.
std::string why_not_text(std::string_view bytes);

}  // namespace gradus
