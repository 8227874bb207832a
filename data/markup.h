#pragma once
// The markup language of a document.

namespace gradus {

enum class Markup { none, html, xml };

}  // namespace gradus
