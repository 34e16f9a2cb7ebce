// y = x
