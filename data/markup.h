#pragma once
// By which rules a document is read.

namespace gradus {

enum class Markup { none, html, xml };

}  // namespace gradus
