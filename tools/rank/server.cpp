#include "tools/rank/server.h"

#include <httplib.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "engine/base/error.h"
#include "tools/rank/page.h"

namespace gradus {

namespace {

constexpr const char* loopback = "127.0.0.1";
constexpr size_t longest_request = 1 << 20;

// The host of "127.0.0.1:7788" or "localhost"; any port, since a tunnel (ssh -L) may have another.
std::string host_without_port(const std::string& host) { return host.substr(0, host.find(':')); }

bool is_this_machine(const std::string& host) {
    const std::string name = host_without_port(host);
    return name == loopback || name == "localhost";
}

bool is_from_here(const httplib::Request& request) {
    const std::string host = request.get_header_value("Host");
    return is_this_machine(host) &&
           (!request.has_header("Origin") || request.get_header_value("Origin") == "http://" + host);
}

void set_headers(httplib::Response& response, const std::string& nonce) {
    response.set_header(
        "Content-Security-Policy",
        fmt::format("default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src "
                    "'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
                    nonce));
    response.set_header("X-Content-Type-Options", "nosniff");
    response.set_header("Referrer-Policy", "no-referrer");
    response.set_header("Cache-Control", "no-store");
}

Error port_error(int port, int problem) {
    const std::string other = fmt::format("--port {}, or --port 0 for any free port", port < 65535 ? port + 1 : 7788);
    if (problem == EACCES)
        return Error(fmt::format("port {} cannot be used", port), "this user may not listen on it", other);
    return Error(fmt::format("port {} is in use", port),
                 fmt::format("another program listens on {}:{}, perhaps another gradus rank", loopback, port), other);
}

}  // namespace

struct RankServer::Listener {
    httplib::Server server;
    std::thread thread;
};

RankServer::RankServer(RankService& service, int port) : listener_(std::make_unique<Listener>()) {
    httplib::Server& server = listener_->server;
    const std::string base = "/" + random_digits(16) + "/";
    // The library's own choice, SO_REUSEPORT, would let two programs listen on one port.
    server.set_socket_options([](socket_t socket) {
        const int yes = 1;
        ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server.set_keep_alive_timeout(1);  // stop() waits for it
    server.set_tcp_nodelay(true);
    server.set_payload_max_length(longest_request);
    server.set_pre_routing_handler([base](const httplib::Request& request, httplib::Response& response) {
        if (is_from_here(request) && request.path.starts_with(base)) return httplib::Server::HandlerResponse::Unhandled;
        response.status = 403;
        response.set_content("open the address that gradus rank printed\n", "text/plain");
        return httplib::Server::HandlerResponse::Handled;
    });
    server.Get(base, [](const httplib::Request&, httplib::Response& response) {
        const std::string nonce = random_digits(16);
        set_headers(response, nonce);
        response.set_content(rank_page(nonce), "text/html; charset=utf-8");
    });
    server.Post(base + "([a-z]+)", [&service](const httplib::Request& request, httplib::Response& response) {
        const RankService::Reply reply = service.reply(request.matches[1], request.body);
        response.status = reply.status;
        set_headers(response, "");
        response.set_content(reply.json, "application/json");
    });
    errno = 0;
    if (port == 0) port = server.bind_to_any_port(loopback);
    else if (!server.bind_to_port(loopback, port)) throw port_error(port, errno);
    if (port < 0) throw port_error(0, errno);
    address_ = fmt::format("http://{}:{}{}", loopback, port, base);
    listener_->thread = std::thread([&server] { server.listen_after_bind(); });
    while (!server.is_running()) std::this_thread::yield();
}

RankServer::~RankServer() {
    listener_->server.stop();
    listener_->thread.join();
}

}  // namespace gradus
