#include "common/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

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

}  // namespace

void open(std::string_view program, Level lowest) {
    const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org
    auto mode = no_color && *no_color ? spdlog::color_mode::never : spdlog::color_mode::automatic;
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(mode);
    logger() = std::make_shared<spdlog::logger>("oneloop", std::move(sink));
    logger()->set_pattern(fmt::format("%^[{}]%$ %v", program));
    logger()->set_level(to_spdlog(lowest));
    logger()->flush_on(spdlog::level::debug);
}

void write(Level level, std::string_view line) {
    logger()->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace oneloop::log
