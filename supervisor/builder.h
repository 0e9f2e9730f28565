// builder: runs what has to succeed before a worker is switched, --build and then --check, and says
// how it goes.
//
// Does what the build gate orders and decides nothing. What the commands print is passed through.
// On a terminal a long one is said to go on. On the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/build_gate.h"
#include "supervisor/helper.h"

namespace oneloop {

class Builder {
  public:
    struct Step {
        std::string name;  // "build", "check"
        std::string line;  // for the shell
    };
    // `gone`: nothing of it is left. `steps` may be empty: then nothing is ever ordered.
    Builder(boost::asio::io_context& io, ChildSetup setup, std::vector<Step> steps, bool progress,
            std::function<void(const BuildGone&)> gone);
    Builder(const Builder&) = delete;
    Builder& operator=(const Builder&) = delete;

    void obey(BuildOrder order);
    [[nodiscard]] bool alive() const { return helper_.alive(); }
    // How the last one ended that was not ended by us: "done", or for hooks and status
    // "build failed: exit 2 after 1.3s".
    [[nodiscard]] const std::string& outcome() const { return outcome_; }
    // For status: "build running", or the outcome; none before the first order.
    [[nodiscard]] std::optional<std::string> state() const;

  private:
    void run_step();
    void ended(const HelperEnd& end);
    void show_progress(Duration after);

    std::vector<Step> steps_;
    bool progress_;
    std::function<void(const BuildGone&)> gone_;
    std::size_t at_ = 0;
    bool ending_ = false;
    std::string outcome_;
    Helper helper_;
    boost::asio::steady_timer timer_;
};

}  // namespace oneloop
