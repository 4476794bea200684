#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A portfolio to try things on: N accounts with the mix of a real one, and what each debtor pays in the field.

    make_portfolio.py --accounts 5000 --seed 1 --as-of 2026-11-23 --portfolio P.csv --outcomes O.csv

The mix (products, months past due, balances, payments) was measured on 5 129 delinquent card clients of the UCI data
set "Default of Credit Card Clients" (CC BY 4.0) at 1 TWD = 500 IDR; here are only its quantiles. Names, numbers and
places are invented: addresses lie around the centres of made-up districts of the Yogyakarta region. The same arguments
write the same bytes. One customer in fifty has a second account. Standard library alone; a million rows in a minute.
"""
import argparse
import datetime
import random

PRODUCTS = (("motorcycle", 0.602), ("unsecured", 0.845), ("car", 1.0))
MONTHS_PAST_DUE = ((1, 1999), (2, 2667), (3, 322), (4, 76), (5, 26), (6, 11), (7, 9), (8, 19))
# Every twentieth part of the balances and of the payments that are not zero, in thousands of rupiah.
BALANCE = (2, 702, 1888, 3554, 5066, 7218, 8680, 9870, 11876, 13826, 15615, 19580, 23510, 25493, 30552, 36977, 44295, 55268,
           72097, 99118, 306930)
PAYMENT = (0.5, 62.5, 482, 566, 671, 750, 850, 946.5, 1000, 1015, 1237.5, 1422.5, 1500, 1725, 2000, 2260, 2691.5, 3250,
           4075.5, 6050, 60000)
PAYS_NOTHING = 0.377
DEFAULTS_NEXT_MONTH = 0.579
REGENCIES = (("Sleman Regency", -7.700, 110.370), ("Bantul Regency", -7.900, 110.350),
             ("Gunung Kidul Regency", -7.990, 110.600), ("Kota Yogyakarta", -7.800, 110.370),
             ("Kulon Progo", -7.820, 110.160))
DISTRICTS_EACH = 15
HEAD = ("account_no,customer_no,product,currency,principal,interest,penalty,fees,dpd,oldest_due_on,plate,lat,lon,"
        "district,regency,phone")


def quantile(table, u):
    """The value at u of a table of equal parts, on a straight line between its points."""
    at = u * (len(table) - 1)
    low = min(int(at), len(table) - 2)
    return table[low] + (at - low) * (table[low + 1] - table[low])


def districts(rng):
    """Made-up districts: a name and the centre of each."""
    out = []
    for regency, lat, lon in REGENCIES:
        spread = 0.03 if regency == "Kota Yogyakarta" else 0.12
        for i in range(DISTRICTS_EACH):
            name = f"{regency.split()[0].upper()} {i + 1:02d}"
            out.append((name, regency, lat + rng.uniform(-spread, spread), lon + rng.uniform(-spread, spread)))
    return out


def account(rng, number, customer, places, as_of):
    """One row, and the balance."""
    u = rng.random()
    product = next(name for name, below in PRODUCTS if u <= below)
    balance = max(1000, int(quantile(BALANCE, rng.random()) * 1000))
    interest, penalty, fees = balance * 10 // 100, balance * 3 // 100, balance * 2 // 100
    months = rng.choices([m for m, _ in MONTHS_PAST_DUE], [w for _, w in MONTHS_PAST_DUE])[0]
    dpd = 30 * months - rng.randrange(30)
    name, regency, lat, lon = rng.choice(places)
    plate = "" if product == "unsecured" else \
        f"AB {rng.randrange(1000, 10000)} {rng.choice('ABCDEFGH')}{rng.choice('JKLMNPQR')}"
    due_on = as_of - datetime.timedelta(days=dpd)
    return (f"A{number:07d},C{customer:07d},{product},IDR,{balance - interest - penalty - fees},{interest},{penalty},{fees},"
            f"{dpd},{due_on.isoformat()},{plate},{lat + rng.gauss(0, 0.008):.6f},{lon + rng.gauss(0, 0.008):.6f},{name},"
            f"{regency},+62812{10000000 + customer % 90000000:08d}\n"), balance


def outcome(rng, number, balance):
    """What the debtor pays next month: whole rupiah, at most half again the balance."""
    paid = 0
    if rng.random() >= PAYS_NOTHING:
        paid = min(int(quantile(PAYMENT, rng.random()) * 1000), balance * 3 // 2)
    return f"A{number:07d},{paid},{int(rng.random() < DEFAULTS_NEXT_MONTH)}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--as-of", type=datetime.date.fromisoformat, required=True)
    parser.add_argument("--portfolio", required=True)
    parser.add_argument("--outcomes")
    args = parser.parse_args()
    if args.accounts < 1:
        parser.error("--accounts is at least 1")
    rng = random.Random(args.seed)
    places = districts(rng)
    customer = 0
    with open(args.portfolio, "w", encoding="ascii", newline="") as portfolio, \
            open(args.outcomes or "/dev/null", "w", encoding="ascii", newline="") as outcomes:
        portfolio.write(HEAD + "\n")
        outcomes.write("account_no,paid,defaulted_next_month\n")
        for number in range(1, args.accounts + 1):
            if number == 1 or rng.random() >= 0.02:
                customer = number
            row, balance = account(rng, number, customer, places, args.as_of)
            portfolio.write(row)
            outcomes.write(outcome(rng, number, balance))


main()
