// MailingTest: a WorkerTest whose job mails, to an SMTP server that breaks exchanges as it is told.
#pragma once

#include <string>
#include <vector>

#include "tests/support/receivers.h"
#include "tests/support/worker_fixture.h"

namespace oneloop::test {

class MailingTest : public WorkerTest {
  protected:
    std::string with_channel(const std::string& more = "") {
        const std::string path = config("a");
        std::string text = read_file(path);
        text.insert(text.find("dates = "), "channels = [\"me\"]\n");
        text += "[[channel]]\nid = \"me\"\nkind = \"smtp\"\nurl = \"smtp://127.0.0.1:" +
                std::to_string(server_.port()) +
                "\"\ntls = \"off\"\nfrom = \"원루프 <a@example.com>\"\nto = [\"b@example.org\"]\n"
                "retry = \"100ms..1s\"\ntimeout = \"5s\"\n" +
                more;
        write_file(path, text);
        return path;
    }
    Worker standalone(const std::string& file) {
        return serving({"--standalone", "--config", file});
    }
    std::string run(const std::vector<std::string>& arguments, int code) {
        Worker worker = start(arguments);
        EXPECT_EQ(worker.process.wait(limit), (ExitStatus{code, 0})) << worker.output();
        return worker.output();
    }
    static bool counts(const Worker& worker, const std::string& name, long number) {
        return number_in(worker.status(), name) == number;
    }

    Receiver server_ = Receiver::scripted("smtp_script.py", "accept");
};

}  // namespace oneloop::test
