"""What binds customers: loyalty regression, the satisfaction-loyalty curve, and the test of a threshold."""
