    a.format, a.incarnation, a.term, a.session, a.process, a.label, a.beat, a.hold_ns, a.protocol, a.takeover,
    a.presence_seen::integer, a.epoch, a.successor, a.value_term, a.value_index,
