"""Which kinds of customers are there, by what they need?"""
