#include "tests/support/receivers.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "tests/support/wait.h"

namespace oneloop::test {

using namespace std::chrono_literals;

void Receiver::start(const std::string& script, const std::vector<std::string>& arguments) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const UniqueFd reading(ends[0]);
    stdin_.reset(ends[1]);
    set_cloexec(reading.get(), false);
    const std::string fd = std::to_string(reading.get());
    std::vector<std::string> command = {
        "/bin/bash",
        "-c",
        "exec \"$@\" <&" + fd + " " + fd + "<&-",
        "sh",
        script.ends_with(".js") ? "/usr/bin/node" : "/usr/bin/python3",
        ONELOOP_SUPPORT "/" + script};
    command.insert(command.end(), arguments.begin(), arguments.end());
    process_.emplace(Process::Setup{command, "", {}, dir_->file("output")});
    // The port is the only line that is a number; Python may warn about something before.
    const bool up = wait_until(
        [&] {
            std::istringstream lines(process_->output());
            for (std::string line; std::getline(lines, line) && !lines.eof();) {
                char* end = nullptr;
                const long number = std::strtol(line.c_str(), &end, 10);
                if (number > 0 && *end == '\0') port_ = static_cast<int>(number);
            }
            return port_ != 0;
        },
        20s);
    if (!up) throw std::runtime_error(script + " does not start: " + process_->output());
}

Receiver Receiver::scripted(const std::string& script, const std::string& mode) {
    Receiver receiver;
    receiver.set_mode(mode);
    receiver.start(script, {receiver.dir_->file("journal"), receiver.dir_->file("mode")});
    return receiver;
}

void Receiver::make_certificate() const {
    Process made({{"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem", "-out",
                   "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
                   "subjectAltName=DNS:localhost,IP:127.0.0.1"},
                  directory(),
                  {},
                  dir_->file("openssl")});
    if (made.wait(20s) != ExitStatus{}) throw std::runtime_error("openssl: " + made.output());
}

Receiver Receiver::real_imap() {
    Receiver receiver;
    receiver.make_certificate();
    receiver.start("imap_server.py", {receiver.directory()});
    return receiver;
}

Receiver Receiver::real_smtp(const std::string& kind) {
    Receiver receiver;
    receiver.make_certificate();
    receiver.start("smtp_server.py", {receiver.directory(), kind});
    return receiver;
}

Receiver Receiver::web(const std::string& kind) {
    Receiver receiver;
    receiver.make_certificate();
    receiver.start("web_server.js", {receiver.directory(), kind});
    return receiver;
}

Receiver Receiver::proxy(const std::string& user) {
    Receiver receiver;
    receiver.start("proxy.py", {receiver.directory(), user});
    return receiver;
}

void Receiver::set_mode(const std::string& mode) const {
    const std::string part = dir_->file("mode.part");
    write_file(part, mode);
    if (::rename(part.c_str(), dir_->file("mode").c_str()) != 0) throw std::runtime_error("rename");
}

std::vector<std::string> Receiver::journal() const {
    std::vector<std::string> result;
    std::istringstream lines(read_file(dir_->file("journal")));
    for (std::string line; std::getline(lines, line);)
        result.push_back(line);
    return result;
}

int Receiver::count(const std::string& beginning) const {
    const auto lines = journal();
    return static_cast<int>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
        return line.starts_with(beginning);
    }));
}

std::vector<std::string> Receiver::accepted() const {
    std::vector<std::string> result;
    const std::string word = "accepted ";
    for (const std::string& line : journal()) {
        if (line.starts_with(word)) result.push_back(line.substr(word.size()));
    }
    return result;
}

std::string Receiver::mail(int number) const {
    return read_file(dir_->file("mail-" + std::to_string(number) + ".eml"));
}

}  // namespace oneloop::test
