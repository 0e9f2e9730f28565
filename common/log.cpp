#include "common/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/color.h"
#include "common/journal.h"

namespace oneloop::log {
namespace {

std::shared_ptr<spdlog::logger>& logger() {
    static auto instance = std::make_shared<spdlog::logger>(
        "oneloop", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warn:
            return spdlog::level::warn;
        case Level::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

const char* name_of(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warning";
        case Level::error:
            return "error";
    }
    return "";
}

// "2026-11-23T08:15:30.123Z"
std::string now() {
    const auto time = std::chrono::system_clock::now();
    const auto since = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
    const auto seconds = static_cast<std::time_t>(since.count() / 1000);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       since.count() % 1000);
}

std::string json_line(const Event& event) {
    nlohmann::ordered_json json = {{"time", now()},
                                   {"level", name_of(event.level)},
                                   {"event", event.name},
                                   {"text", event.text}};
    for (const auto& field : event.fields)
        std::visit([&](const auto& value) { json[field.key] = value; }, field.value);
    // File names need not be UTF-8: what is not becomes U+FFFD.
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Format chosen = Format::text;
Level lowest_shown = Level::info;
journal::Context context;
Color color = Color::automatic;

spdlog::color_mode color_mode() {
    if (color == Color::always) return spdlog::color_mode::always;
    const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org
    const bool never = color == Color::never || (no_color && *no_color);
    return never ? spdlog::color_mode::never : spdlog::color_mode::automatic;
}

// Also of what is not shown the generation is remembered, for the entries that follow.
bool sent_to_journal(const Event& event) {
    for (const auto& field : event.fields) {
        const auto* number = std::get_if<std::int64_t>(&field.value);
        if (number && field.key == "generation")
            context.generation = static_cast<std::uint64_t>(*number);
    }
    return event.level >= lowest_shown && journal::send(journal::entry(event, context));
}

}  // namespace

void set_color(Color wanted) {
    color = wanted;
}

void open(std::string_view program, Level lowest, Format format) {
    chosen = format;
    lowest_shown = lowest;
    context.program = program;
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(color_mode());
    logger() = std::make_shared<spdlog::logger>("oneloop", std::move(sink));
    logger()->set_pattern(format == Format::json ? "%v" : fmt::format("%^[{}]%$ %v", program));
    logger()->set_level(to_spdlog(lowest));
    logger()->flush_on(spdlog::level::debug);
}

void write(const Event& event) {
    // Where the journal does not take it, its stream may.
    if (journal::taken() && sent_to_journal(event)) return;
    const std::string line = chosen == Format::json ? json_line(event) : event.text;
    logger()->log(to_spdlog(event.level), spdlog::string_view_t(line.data(), line.size()));
}

void write(Level level, std::string_view line) {
    write(Event{level, "message", std::string(line), {}});
}

}  // namespace oneloop::log
