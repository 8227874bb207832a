// expat declares its entity limits only if told that it was built with DTD support, as every packaged expat is.
#define XML_DTD

#include "data/xhtml.h"

#include <expat.h>

#include <climits>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>

#include "data/html_memory.h"
#include "data/html_tree.h"
#include "data/text.h"

namespace gradus {

namespace {

constexpr char separator = '\n';    // between namespace and name
constexpr int max_entities = 1000;  // HTML's own sets, which some pages declare, have 253; expat recurses over them
constexpr size_t max_names = 2500;  // HTML knows 2231 characters by name
constexpr float max_amplification = 10;       // of the page's size by its entities …
constexpr size_t free_expansion = 256 << 10;  // … if the expansion exceeds this

bool is_of_pages(std::string_view space) {
    return space.empty() || space == "http://www.w3.org/1999/xhtml" || space == "http://www.w3.org/2000/svg" ||
           space == "http://www.w3.org/1998/Math/MathML";
}

}  // namespace

// Builds from expat's events the nodes that gumbo would build.
class HtmlTree::XmlBuilder {
public:
    XmlBuilder(HtmlTree& tree, const HtmlLimits& limits)
        : tree_(tree), limits_(limits), parser_(XML_ParserCreateNS("UTF-8", separator)) {}

    // False if the page is not well-formed.
    bool parse(std::string_view utf8) {
        XML_Parser parser = parser_.get();
        if (!parser || utf8.size() > INT_MAX) return refuse("takes_too_much_memory"), true;
        XML_SetUserData(parser, this);
        XML_SetElementHandler(
            parser, [](void* self, const char* name, const char** attributes) { of(self).start(name, attributes); },
            [](void* self, const char*) { of(self).end(); });
        XML_SetCharacterDataHandler(
            parser, [](void* self, const char* text, int bytes) { of(self).text_.append(text, size_t(bytes)); });
        XML_SetSkippedEntityHandler(parser, [](void* self, const char* name, int of_dtd) {
            if (!of_dtd) of(self).text_ += of(self).named_character(name);
        });
        XML_SetEntityDeclHandler(parser, [](void* self, const char*, int, const char*, int, const char*, const char*,
                                            const char*, const char*) {
            if (++of(self).entities_ > max_entities) of(self).refuse("entity_expansion");
        });
        // Gives every page an empty DTD, so that an undeclared entity is not an error.
        XML_UseForeignDTD(parser, XML_TRUE);
        XML_SetParamEntityParsing(parser, XML_PARAM_ENTITY_PARSING_ALWAYS);
        XML_SetExternalEntityRefHandler(
            parser, [](XML_Parser outer, const char* context, const char*, const char*, const char*) {
                return context ? int(XML_STATUS_OK) : read_nothing(outer);
            });
        XML_SetBillionLaughsAttackProtectionMaximumAmplification(parser, max_amplification);
        XML_SetBillionLaughsAttackProtectionActivationThreshold(parser, free_expansion);
        if (XML_Parse(parser, utf8.data(), int(utf8.size()), XML_TRUE) == XML_STATUS_OK) return true;
        switch (XML_GetErrorCode(parser)) {
            case XML_ERROR_ABORTED: return true;
            case XML_ERROR_AMPLIFICATION_LIMIT_BREACH: refuse("entity_expansion"); return true;
            case XML_ERROR_NO_MEMORY: refuse("takes_too_much_memory"); return true;
            default: return false;
        }
    }

private:
    static XmlBuilder& of(void* self) { return *static_cast<XmlBuilder*>(self); }

    static int read_nothing(XML_Parser outer) {
        XML_Parser inner = XML_ExternalEntityParserCreate(outer, nullptr, nullptr);
        if (!inner) return XML_STATUS_ERROR;
        const XML_Status status = XML_Parse(inner, "", 0, XML_TRUE);
        XML_ParserFree(inner);
        return status;
    }

    void refuse(const char* reason) {
        tree_.refused_ = reason;
        if (parser_) XML_StopParser(parser_.get(), XML_FALSE);
    }

    GumboNode* new_node(GumboNodeType type) {
        void* const memory = tree_.nodes_.size() < limits_.nodes ? tree_.memory_->take(sizeof(GumboNode)) : nullptr;
        if (!memory) return refuse("takes_too_much_memory"), nullptr;
        GumboNode* const node = static_cast<GumboNode*>(std::memset(memory, 0, sizeof(GumboNode)));
        node->type = type;
        const int index = int(tree_.nodes_.size());
        tree_.nodes_.push_back({node, open_.empty() ? -1 : open_.back(), index + 1});
        return node;
    }

    void write_text() {
        if (text_.empty() || !tree_.refused_.empty()) return;
        if (GumboNode* const node = new_node(GUMBO_NODE_TEXT)) {
            node->v.text.text = tree_.memory_->copy(text_);
            if (!node->v.text.text) node->v.text.text = "", refuse("takes_too_much_memory");
        }
        text_.clear();
    }

    void start(std::string_view name, const char** attributes) {
        write_text();
        if (!tree_.refused_.empty()) return;
        const size_t cut = name.find(separator);
        const std::string_view space = cut == std::string_view::npos ? "" : name.substr(0, cut);
        const std::string_view local = cut == std::string_view::npos ? name : name.substr(cut + 1);
        GumboNode* const node = new_node(GUMBO_NODE_ELEMENT);
        if (!node) return;
        GumboElement& element = node->v.element;
        element.tag = is_of_pages(space) ? gumbo_tagn_enum(local.data(), unsigned(local.size())) : GUMBO_TAG_UNKNOWN;
        const std::string tag = "<" + std::string(local) + ">";
        element.original_tag = {tree_.memory_->copy(tag), tag.size()};
        if (!element.original_tag.data) return refuse("takes_too_much_memory");
        write_attributes(element.attributes, attributes);
        open_.push_back(int(tree_.nodes_.size()) - 1);
        deepest_ = std::max(deepest_, uint64_t(open_.size()));
        if (++elements_ * deepest_ > limits_.work) refuse("nested_too_deeply");
    }

    void write_attributes(GumboVector& vector, const char** attributes) {
        unsigned count = 0;
        while (attributes[2 * count]) ++count;
        vector.data = static_cast<void**>(tree_.memory_->take(count * sizeof(void*)));
        if (!vector.data) return refuse("takes_too_much_memory");
        vector.capacity = count;
        for (const char** at = attributes; *at; at += 2) {
            if (std::strchr(*at, separator)) continue;  // of another namespace
            void* const memory = tree_.memory_->take(sizeof(GumboAttribute));
            const char *const name = tree_.memory_->copy(at[0]), *const value = tree_.memory_->copy(at[1]);
            if (!memory || !name || !value) return refuse("takes_too_much_memory");
            GumboAttribute* const attribute =
                static_cast<GumboAttribute*>(std::memset(memory, 0, sizeof(GumboAttribute)));
            attribute->name = name;
            attribute->value = value;
            vector.data[vector.length++] = attribute;
        }
    }

    void end() {
        write_text();
        if (!tree_.refused_.empty() || open_.empty()) return;
        tree_.nodes_[size_t(open_.back())].end = int(tree_.nodes_.size());
        open_.pop_back();
    }

    // "nbsp" → U+00A0, as in gumbo; a name that HTML does not know is kept as written.
    const std::string& named_character(const std::string& name) {
        const auto [at, fresh] = characters_.try_emplace(name);
        if (!fresh) return at->second;
        at->second = "&" + name + ";";
        if (characters_.size() > max_names) return at->second;
        const std::string page = "<p>" + at->second;
        const HtmlTree tree(page);
        for (int i = 0; i < tree.size(); ++i)
            if (tree.is_text(i)) at->second = tree.text(i);
        return at->second;
    }

    struct Free {
        void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
    };

    HtmlTree& tree_;
    const HtmlLimits& limits_;
    std::unique_ptr<XML_ParserStruct, Free> parser_;
    std::string text_;
    std::vector<int> open_;
    uint64_t elements_ = 0, deepest_ = 1;
    int entities_ = 0;
    std::unordered_map<std::string, std::string> characters_;
};

bool HtmlTree::parse_xml(std::string_view utf8, const HtmlLimits& limits) {
    while (!utf8.empty() && is_space(utf8[0])) utf8.remove_prefix(1);  // in XML the declaration must come first
    const bool well_formed = XmlBuilder(*this, limits).parse(utf8);
    if (!well_formed || !refused_.empty()) nodes_.clear();
    return well_formed || !refused_.empty();
}

}  // namespace gradus
