// watch.source: a preset, or any JSON API spelled out.
#include "worker/config_reader.h"
#include "worker/presets.h"
#include "worker/text.h"

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

// "a|b" tries a, then b; a text with braces, or an address, is a template over the row.
FieldSpec field_from(const std::string& text) {
    FieldSpec field;
    if (text.find('{') != std::string::npos || text.find("://") != std::string::npos) {
        field.text = text;
    } else {
        field.from = split(text);
    }
    return field;
}

// The type that each field has, and that `type` may repeat.
std::string_view type_of(std::string_view field) {
    if (field == "seats" || field == "seats_total") return "int";
    if (field == "start" || field == "end") return "clock";
    if (field == "bookable") return "bool";
    return field == "date" ? "date" : "text";
}

FieldSpec read_field(const ConfigReader& one, std::string_view name) {
    FieldSpec field = field_from(one.required("from"));
    field.equals = one.text("equals");
    field.fallback = one.boolean("default").value_or(true);
    if (const auto type = one.text("type")) {
        const std::string_view right = type_of(name);
        if (*type != right)
            one.problem(*one.node("type"), fmt::format("{}.type is '{}'; it can only be {}",
                                                       one.name(), one_line(*type, 20), right));
        field.strict = true;
    }
    for (const char* key : {"equals", "default"}) {
        if (one.has(key) && type_of(name) != "bool")
            one.problem(*one.node(key), one.name() + "." + key + " is for bookable");
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
                               {"from", "type", "equals", "default"}, source.problems());
        spec.fields[name] = read_field(one, name);
    }
}

void read_body(const ConfigReader& source, SourceSpec& spec) {
    if (source.has("form") && source.has("json")) {
        source.problem(*source.node("json"),
                       "source has both form and json; a request has one body");
    }
    if (source.has("form")) {
        spec.body = SourceSpec::Body::form;
        spec.form = source.pairs("form", true);
    } else if (const auto* body = source.table("json")) {
        spec.body = SourceSpec::Body::json;
        spec.json = json_of(*body);
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
        if (!is_pointer(spec.dates->items))
            dates.problem(*dates.node("items"), "source.date_list.items must start with /");
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
    if (host_and_port(spec.url).find('{') != std::string::npos)
        source.problem(*source.node("url"), "source.url: the host must not be a template");
    read_body(source, spec);
    spec.method =
        source.text("method").value_or(spec.body == SourceSpec::Body::none ? "GET" : "POST");
    if (spec.method != "GET" && spec.method != "POST") {
        source.problem(*source.node("method"), "source.method must be GET or POST");
    }
    if (spec.method == "GET" && spec.body != SourceSpec::Body::none) {
        source.problem(*source.node("method"),
                       "source.method is GET, which has no form and no json");
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

// One or several, each a number in quotes: a code may begin with 0. Never empty.
std::vector<std::string> read_numbers(const ConfigReader& source, const std::string& key) {
    constexpr std::size_t most = 20;
    if (!source.has(key)) return {""};
    const bool several = source.node(key)->is_array();
    std::vector<std::string> values;
    if (several) {
        values = source.texts(key);
    } else {
        values.push_back(source.text(key).value_or("0"));
    }
    for (const std::string& value : values) {
        if (!value.empty() && value.find_first_not_of("0123456789") == std::string::npos) continue;
        source.problem(*source.node(key),
                       fmt::format("source.{} must be a number in quotes, such as "
                                   "\"7011\", or a list of them",
                                   key));
        break;
    }
    if (values.empty() || values.size() > most)
        source.problem(*source.node(key), fmt::format("source.{}: from 1 to {}", key, most));
    if (values.empty()) values.emplace_back();
    return values;
}

}  // namespace

std::vector<SourceSpec> read_sources(const toml::table& table, const std::string& server,
                                     std::vector<Problem>& problems) {
    if (!table.contains("preset")) return {read_generic(table, problems)};
    const ConfigReader source(table, "source", {"preset", "branch", "request", "area"}, problems);
    (void)source.choice("preset", {"megabox"});  // one word so far; anything else is reported
    const bool booking = source.choice("request", {"schedule", "booking"}) == 1;
    const std::vector<std::string> branches = read_numbers(source, "branch");
    const std::vector<std::string> areas = read_numbers(source, "area");
    if (!source.has("branch")) source.problem_here("source.branch is missing");
    if (source.has("area") && (!booking || areas.size() != branches.size())) {
        source.problem(*source.node("area"),
                       "source.area is for request = \"booking\", one for each branch");
        return megabox_sources(server, branches, booking, {});
    }
    return megabox_sources(server, branches, booking, areas);
}

}  // namespace oneloop::worker
