def compose(truth, responses, hidden, units, rng, language):
    return None
