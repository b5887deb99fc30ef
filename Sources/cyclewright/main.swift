print("cyclewright")
