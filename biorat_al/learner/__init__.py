"""Learning to find entities: encoding, network, random adversarial training, prediction, scoring."""
