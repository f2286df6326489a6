// Task<T> is a coroutine on one IoThread. The concrete executor type spares the type erasure of
// asio's default.
//
// Rules (CONTRIBUTING.md#coroutines): parameters by value; no capturing lambda coroutines; nothing
// detached: spawn into a TaskGroup.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace mailweir::runtime {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;

// `auto [ec, n] = co_await socket.async_read_some(buffer, use_task);` errors are values.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> use_task{};

using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using TcpAcceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

}  // namespace mailweir::runtime
