// json_fields: fields of a JSON object that may come from another version or from a stranger: the
// type has to fit, or the field is skipped and its default stays. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace oneloop::control {

using Json = nlohmann::ordered_json;

inline const Json* member(const Json& json, const char* name) {
    if (!json.is_object()) return nullptr;
    const auto found = json.find(name);
    return found == json.end() ? nullptr : &*found;
}

inline void read(const Json& json, const char* name, std::string& value) {
    const Json* found = member(json, name);
    if (found && found->is_string()) value = found->get<std::string>();
}
inline void read(const Json& json, const char* name, bool& value) {
    const Json* found = member(json, name);
    if (found && found->is_boolean()) value = found->get<bool>();
}
template <class Integer>
inline void read_number(const Json& json, const char* name, Integer& value) {
    const Json* found = member(json, name);
    if (!found || !found->is_number_integer()) return;
    // Unsigned ones beyond 2^63 have no place in any of our fields.
    if (found->is_number_unsigned() && !std::in_range<std::int64_t>(found->get<std::uint64_t>()))
        return;
    const auto number = found->get<std::int64_t>();
    if (std::in_range<Integer>(number)) value = static_cast<Integer>(number);
}
inline void read(const Json& json, const char* name, std::vector<std::string>& value) {
    const Json* found = member(json, name);
    if (!found || !found->is_array()) return;
    for (const auto& entry : *found) {
        if (entry.is_string()) value.push_back(entry.get<std::string>());
    }
}

inline void read(const Json& json, const char* name, std::optional<std::int64_t>& value) {
    const Json* found = member(json, name);
    if (found && found->is_number_integer()) read_number(json, name, value.emplace());
}
inline void read(const Json& json, const char* name, std::optional<std::string>& value) {
    const Json* found = member(json, name);
    if (found && found->is_string()) value = found->get<std::string>();
}

inline const Json* object(const Json& json, const char* name) {
    const Json* found = member(json, name);
    return found && found->is_object() ? found : nullptr;
}

}  // namespace oneloop::control
