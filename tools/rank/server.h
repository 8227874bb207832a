#pragma once
// Serves the page of `gradus rank` to browsers on this machine.
//
// Three things keep others out: the server listens on 127.0.0.1 only; the path begins with a random token, which other
// pages and users do not know; and a request must name this machine as its host, and come from this page if it comes
// from one, so that no foreign name can lead a browser here (DNS rebinding).
#include <memory>
#include <string>

#include "tools/rank/service.h"

namespace gradus {

class RankServer {
public:
    // Listens from now on; port 0: a free one. Error if the port is in use or not allowed.
    RankServer(RankService& service, int port);
    // Ends requests that are under way, then stops.
    ~RankServer();

    const std::string& address() const { return address_; }  // with the token

private:
    struct Listener;
    std::unique_ptr<Listener> listener_;
    std::string address_;
};

}  // namespace gradus
