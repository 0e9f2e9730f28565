// watch.source: a preset, or any JSON API spelled out.
#include <sstream>

#include "worker/config_reader.h"
#include "worker/presets.h"

namespace oneloop::worker {
namespace {

bool is_pointer(const std::string& text) {
    return text.empty() || text.front() == '/';
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= text.size();) {
        const auto bar = std::min(text.find('|', from), text.size());
        if (bar > from) parts.push_back(text.substr(from, bar - from));
        from = bar + 1;
    }
    return parts;
}

// "a|b" tries a, then b; a text with braces is a template over the row.
FieldSpec field_from(const std::string& text) {
    FieldSpec field;
    if (text.find('{') != std::string::npos) {
        field.text = text;
    } else {
        field.from = split(text);
    }
    return field;
}

void read_fields(const ConfigReader& source, SourceSpec& spec) {
    const auto* fields = source.table("fields");
    if (!fields) return;
    const ConfigReader known(*fields, "source.fields",
                             {"title", "date", "start", "end", "screen", "hall_kind", "format",
                              "seats", "seats_total", "bookable", "branch", "link"},
                             source.problems());
    for (const auto& [key, value] : *fields) {
        const std::string name(key.str());
        if (const auto text = value.value_exact<std::string>()) {
            spec.fields[name] = field_from(*text);
            continue;
        }
        if (!value.is_table()) {
            known.problem(value, "source.fields." + name + " must be a text or a table");
            continue;
        }
        const ConfigReader one(*value.as_table(), "source.fields." + name,
                               {"from", "equals", "default"}, source.problems());
        FieldSpec field = field_from(one.required("from"));
        field.equals = one.text("equals");
        field.fallback = one.boolean("default").value_or(true);
        spec.fields[name] = std::move(field);
    }
}

void read_body(const ConfigReader& source, SourceSpec& spec) {
    if (source.has("form") && source.has("json")) {
        source.problem(*source.node("json"),
                       "source has both form and json; a request has one body");
    }
    if (source.has("form")) {
        spec.body = SourceSpec::Body::form;
        spec.form = source.pairs("form");
    } else if (const auto* body = source.table("json")) {
        spec.body = SourceSpec::Body::json;
        std::ostringstream text;
        text << toml::json_formatter(*body);
        spec.json = text.str();
    }
}

void read_checks(const ConfigReader& source, SourceSpec& spec) {
    if (const auto* ok = source.table("ok")) {
        const ConfigReader test(*ok, "source.ok", {"at", "equals"}, source.problems());
        spec.ok = OkTest{test.required("at"), ""};
        if (!is_pointer(spec.ok->at))
            test.problem(*test.node("at"), "source.ok.at must start with /");
        const auto* value = test.node("equals");
        if (!value) {
            test.problem_here("source.ok.equals is missing");
        } else if (const auto number = value->value_exact<std::int64_t>()) {
            spec.ok->equals = std::to_string(*number);
        } else if (const auto flag = value->value_exact<bool>()) {
            spec.ok->equals = *flag ? "true" : "false";
        } else {
            spec.ok->equals = test.text("equals").value_or("");
        }
    }
    spec.require = source.texts("require");
    for (const auto& pointer : spec.require) {
        if (!is_pointer(pointer))
            source.problem(*source.node("require"),
                           "source.require: '" + pointer + "' must start with /");
    }
    spec.block_markers = source.texts("block_markers");
    spec.same = source.pairs("same");
    if (const auto* list = source.table("date_list")) {
        const ConfigReader dates(*list, "source.date_list", {"items", "date", "field", "equals"},
                                 source.problems());
        spec.dates = DateList{dates.required("items"), dates.required("date"),
                              dates.required("field"), dates.required("equals")};
    }
}

SourceSpec read_generic(const toml::table& table, std::vector<Problem>& problems) {
    const ConfigReader source(table, "source",
                              {"method", "url", "headers", "form", "json", "ok", "require", "items",
                               "id", "unescape", "block_markers", "same", "fields", "date_list"},
                              problems);
    SourceSpec spec;
    spec.url = source.required("url");
    if (!spec.url.empty() && host_and_port(spec.url).empty()) {
        source.problem(*source.node("url"), "source.url must start with http:// or https://");
    }
    read_body(source, spec);
    spec.method =
        source.text("method").value_or(spec.body == SourceSpec::Body::none ? "GET" : "POST");
    if (spec.method != "GET" && spec.method != "POST") {
        source.problem(*source.node("method"), "source.method must be GET or POST");
    }
    spec.headers = source.pairs("headers");
    for (const auto& [name, value] : spec.headers) {
        if ((name + value).find_first_of("\r\n") != std::string::npos) {
            source.problem(*source.node("headers"), "source.headers." + name + " has a line break");
        }
    }
    spec.items = source.required("items");
    if (!is_pointer(spec.items))
        source.problem(*source.node("items"), "source.items must start with /");
    spec.id = source.required("id");
    if (!spec.id.empty() && spec.id.find('{') == std::string::npos) {
        source.problem(*source.node("id"), "source.id must name a field, such as \"{showId}\"");
    }
    spec.unescape = source.boolean("unescape").value_or(false);
    read_checks(source, spec);
    read_fields(source, spec);
    if (spec.fields.empty()) source.problem_here("source.fields is missing or empty");
    return spec;
}

}  // namespace

SourceSpec read_source(const toml::table& table, const std::string& server,
                       std::vector<Problem>& problems) {
    if (!table.contains("preset")) return read_generic(table, problems);
    const ConfigReader source(table, "source", {"preset", "branch"}, problems);
    (void)source.choice("preset", {"megabox"});  // one word so far; anything else is reported
    const std::string branch = source.required("branch");
    if (branch.find_first_not_of("0123456789") != std::string::npos) {
        source.problem(*source.node("branch"),
                       "source.branch must be a number in quotes, such as \"7011\"");
    }
    return megabox_source(server, branch);
}

}  // namespace oneloop::worker
