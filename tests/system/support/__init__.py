# SPDX-License-Identifier: Apache-2.0
"""What the system tests stand on: the program, its servers, foreign peers, and certificates that are
each wrong in one way.  Nothing here knows the inside of Handfast."""
