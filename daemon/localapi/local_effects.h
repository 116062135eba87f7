// What the link must write next. In order: answers, pipes, streams, lines.
#pragma once

#include <string>
#include <vector>

#include "daemon/localapi/local_host.h"
#include "proto/http/message.h"

namespace aya::localapi {

struct LocalEffects {
  // A complete answer.
  struct Answer {
    ExchangeId to;
    http::Response response;
  };
  // The head of an answer without end: write it chunked, then every Line for it, until the client
  // leaves.
  struct Stream {
    ExchangeId to;
    http::Response head;
  };
  // One JSON object with its newline: one chunk, flushed. A client that reads too slowly is the
  // link's to cut off: it may reconnect, the daemon may not wait.
  struct Line {
    ExchangeId to;
    std::string json;
  };

  // The answer that makes the connection a pipe to what was dialled.
  struct Pipe {
    ExchangeId to;
    http::Response head;
  };

  std::vector<Answer> answers;
  std::vector<Pipe> pipes;
  std::vector<Stream> streams;
  std::vector<Line> lines;

  void clear() {  // keeps the capacity
    answers.clear();
    pipes.clear();
    streams.clear();
    lines.clear();
  }
};

}  // namespace aya::localapi
