//! Sockets, threads and queues around `hocket-media`.
