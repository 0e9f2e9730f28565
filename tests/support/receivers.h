// Receiver: an SMTP, webhook, web or proxy server of tests/support on a free port, ended with the
// test.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "tests/support/process.h"

namespace oneloop::test {

class Receiver {
  public:
    // `script` of tests/support. One that breaks exchanges has a journal and a mode.
    static Receiver scripted(const std::string& script, const std::string& mode);
    // dovecot, with the certificate of `directory()` and what lies in sent_folder().
    static Receiver real_imap();
    // aiosmtpd with certificate and password; `kind`: starttls, smtps or plain.
    static Receiver real_smtp(const std::string& kind);
    // HTTP/2 over TLS with a certificate of its own, directory()/cert.pem, for "localhost".
    static Receiver web() { return web("http2"); }
    // The same without HTTP/2.
    static Receiver old_web() { return web("http1"); }
    // A proxy; `user`: "NAME:PASSWORD" that it asks for, or nobody.
    static Receiver proxy(const std::string& user = "");

    // A Maildir: what lies in "[Gmail]/Sent Mail" of real_imap.
    [[nodiscard]] std::string sent_folder() const {
        return dir_->file("mail/.[Gmail].Sent Mail/cur");
    }

    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] const std::string& directory() const { return dir_->path(); }
    void set_mode(const std::string& mode) const;
    [[nodiscard]] std::vector<std::string> journal() const;
    [[nodiscard]] int count(const std::string& beginning) const;  // lines of the journal
    // What follows "accepted": one for each message that the server kept.
    [[nodiscard]] std::vector<std::string> accepted() const;
    // With headers for the envelope in front; "" when there is none yet.
    [[nodiscard]] std::string mail(int number) const;

  private:
    Receiver() = default;
    static Receiver web(const std::string& kind);
    void make_certificate() const;
    void start(const std::string& script, const std::vector<std::string>& arguments);

    std::unique_ptr<TempDir> dir_ = std::make_unique<TempDir>();
    UniqueFd stdin_;  // its end ends the server, even if this test is killed
    std::optional<Process> process_;
    int port_ = 0;
};

}  // namespace oneloop::test
