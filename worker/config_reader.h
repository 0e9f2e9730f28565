// ConfigReader: typed, checked access to one TOML table; collects problems instead of throwing, so
// that one run shows all of them. Private to config*.cpp (it includes toml++).
#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/nearest.h"
#include "worker/config.h"

namespace oneloop::worker {

class ConfigReader {
  public:
    // Reports every key that is not in `known` at once.
    ConfigReader(const toml::table& table, std::string name,
                 const std::vector<std::string_view>& known, std::vector<Problem>& problems);

    void problem(const toml::node& where, std::string message) const;
    void problem_here(std::string message) const { problem(table_, std::move(message)); }

    [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
    [[nodiscard]] const toml::node* node(std::string_view key) const { return table_.get(key); }

    // nullopt: not there, or of another type (which is reported).
    [[nodiscard]] std::optional<std::string> text(std::string_view key) const;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key) const;
    [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> duration(std::string_view key) const;
    [[nodiscard]] const toml::table* table(std::string_view key) const;
    [[nodiscard]] const toml::array* array(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
    // A table of plain values, all turned into text; with `json`, a table or a list in it is the
    // JSON of itself.
    [[nodiscard]] Pairs pairs(std::string_view key, bool json = false) const;
    // One of a few words; the first is the default.
    [[nodiscard]] std::size_t choice(std::string_view key,
                                     const std::vector<std::string_view>& words) const;
    // Reports that it is missing.
    [[nodiscard]] std::string required(std::string_view key) const;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::vector<Problem>& problems() const { return problems_; }

  private:
    [[nodiscard]] std::string called(std::string_view key) const;

    const toml::table& table_;
    std::string name_;
    std::vector<Problem>& problems_;
};

// A table or a list as JSON, in one line: what a server sees does not depend on how a file is laid
// out.
[[nodiscard]] std::string json_of(const toml::node& value);

// config_secret.cpp
// A value that may be a secret; when it must be one (`secret`), a text in the file is a mistake.
// `key` names it in messages.
[[nodiscard]] Setting read_setting(const ConfigReader& reader, const toml::node& node,
                                   const std::string& key, bool secret);
[[nodiscard]] Setting read_setting(const ConfigReader& reader, std::string_view key, bool secret);
// A path beside the configuration file that `table` stands in.
[[nodiscard]] std::string beside(const std::string& path, const toml::table& table);
// config_channel.cpp
void read_channels(const ConfigReader& top, Config& config);
// Reports the ids that belong to no channel; `reader` has the key "channels".
void check_channels(const ConfigReader& reader, const std::vector<std::string>& ids,
                    const std::vector<Channel>& channels);
// config_delivery.cpp
// "imaps://HOST:993/x" -> "HOST"; `url` has a scheme.
[[nodiscard]] std::string host_of_url(const std::string& url);
// "10s..15m"
void read_retry(const ConfigReader& channel, RetryRule& rule);
// { from = "01:00", to = "07:00" }
[[nodiscard]] std::optional<QuietHours> read_quiet(const ConfigReader& channel);
// The mailbox that on_uncertain = "verify" looks into; after user and password of the channel.
void read_verify(const ConfigReader& channel, Channel& result);
// config_limits.cpp
void read_limits(const ConfigReader& top, Config& config);
// config_source.cpp
// Not empty, whatever is wrong with them.
std::vector<SourceSpec> read_sources(const toml::table& table, const std::string& server,
                                     std::vector<Problem>& problems);
// config_host.cpp: how each host may be asked, into the watches.
void apply_hosts(const ConfigReader& top, Config& config);
// config_watch.cpp
void read_watches(const toml::array& watches, const std::string& server, Config& config,
                  std::vector<Problem>& problems);

}  // namespace oneloop::worker
