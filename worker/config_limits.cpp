// [limits]: how much is kept.
#include <algorithm>
#include <charconv>

#include "worker/config_reader.h"

namespace oneloop::worker {
namespace {

constexpr std::uint64_t mebibyte = 1024ULL * 1024;
constexpr std::uint64_t least_bytes = mebibyte;  // an empty file and a good deal of showtimes

// "256MiB"
std::optional<std::uint64_t> parse_size(const std::string& text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    constexpr std::uint64_t most = std::uint64_t{1} << 40U;
    const std::uint64_t factor = unit == "KiB"   ? 1024
                                 : unit == "MiB" ? mebibyte
                                 : unit == "GiB" ? 1024 * mebibyte
                                                 : 0;
    if (error != std::errc{} || number == 0 || factor == 0 || number > most / factor)
        return std::nullopt;
    return number * factor;
}

std::size_t read_number(const ConfigReader& limits, const char* key, std::size_t usual) {
    const auto number = limits.integer(key).value_or(static_cast<std::int64_t>(usual));
    if (number < 1 || number > 1'000'000)
        limits.problem(*limits.node(key), limits.name() + "." + key + " is from 1 to 1000000");
    return static_cast<std::size_t>(std::clamp<std::int64_t>(number, 1, 1'000'000));
}

}  // namespace

void read_limits(const ConfigReader& top, Config& config) {
    const auto* table = top.table("limits");
    if (!table) return;
    const ConfigReader limits(*table, "limits", {"max_pending", "max_state", "max_events"},
                              top.problems());
    config.most_pending = read_number(limits, "max_pending", config.most_pending);
    config.limits.most_events = read_number(limits, "max_events", config.limits.most_events);
    if (const auto text = limits.text("max_state")) {
        const auto bytes = parse_size(*text);
        if (!bytes || *bytes < least_bytes)
            limits.problem(*limits.node("max_state"),
                           "limits.max_state is a size, \"256MiB\", 1MiB at least");
        config.limits.most_bytes = bytes.value_or(config.limits.most_bytes);
    }
}

}  // namespace oneloop::worker
