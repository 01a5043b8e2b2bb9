"""The program on a screen: wires screens to the engine, decides nothing."""
