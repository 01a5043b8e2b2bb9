"""Runs checklists: inspection, plan, consent, execution, record. Knows no frontend."""
