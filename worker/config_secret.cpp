// Values that may be secrets: { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }
// (systemd.exec(5), LoadCredential=). A password may be nothing else, so that it stands in no
// configuration that somebody shows around.
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "worker/config_reader.h"
#include "worker/text.h"

namespace oneloop::worker {
namespace {

constexpr std::size_t longest_secret = 64 * 1024;

// The first line of a file, without its end.
std::optional<std::string> first_line(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    std::string text(longest_secret, '\0');
    if (!stream || std::filesystem::is_directory(path)) return std::nullopt;
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace

std::string beside(const std::string& path, const toml::table& table) {
    const auto& file = table.source().path;
    if (path.empty() || !file) return path;
    return (std::filesystem::absolute(*file).parent_path() / path).lexically_normal().string();
}

Setting read_setting(const ConfigReader& reader, const toml::node& node, const std::string& key,
                     bool secret) {
    const std::string called = reader.name() + "." + key;
    if (const auto text = node.value_exact<std::string>()) {
        if (secret) {
            reader.problem(node, called +
                                     " must not stand here; write { env = \"NAME\" }, "
                                     "{ file = \"PATH\" } or { credential = \"NAME\" }");
        }
        return {*text, ""};
    }
    const auto* table = node.as_table();
    if (!table) {
        reader.problem(node, called +
                                 " must be { env = \"NAME\" }, { file = \"PATH\" } or "
                                 "{ credential = \"NAME\" }");
        return {};
    }
    const ConfigReader source(*table, called, {"env", "file", "credential"}, reader.problems());
    if (table->size() != 1) {
        source.problem_here(called + " needs exactly one of env, file and credential");
        return {};
    }
    Setting setting;
    std::optional<std::string> value;
    if (const auto name = source.text("env")) {
        setting.from = "env " + *name;
        if (const char* found = std::getenv(name->c_str())) value = found;
    } else if (const auto path = source.text("file")) {
        const std::string full = beside(*path, *table);
        setting.from = "file " + full;
        value = first_line(full);
    } else if (const auto credential = source.text("credential")) {
        setting.from = "credential " + *credential;
        const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
        if (directory && credential->find('/') == std::string::npos)
            value = first_line(std::string(directory) + "/" + *credential);
    }
    if (setting.from.empty()) return {};
    if (!value || value->empty()) {
        source.problem_here(called + ": " + one_line(setting.from, 200) +
                            (value ? " is empty" : " is not there"));
    }
    setting.value = value.value_or("");
    if (setting.value.find_first_of("\r\n") != std::string::npos)
        source.problem_here(called + ": " + setting.from + " has a line end");
    return setting;
}

Setting read_setting(const ConfigReader& reader, std::string_view key, bool secret) {
    const auto* node = reader.node(key);
    return node ? read_setting(reader, *node, std::string(key), secret) : Setting{};
}

}  // namespace oneloop::worker
