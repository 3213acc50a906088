//! What a visit is and where it came from: address, source, channel, agent.
